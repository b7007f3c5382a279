"""A fence agent for pretended hosts: a program on the control host, and whoever switches their power from outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.hosts import Hosts

PROGRAM = "/root/power"
_WISHES = "/root/power.d"
# It is called with the host's name, and off or status.
_TEXT = f"""#!/bin/sh
mkdir -p {_WISHES}
if [ "$2" = status ]; then
    [ -e {_WISHES}/$1.off ] && exit 2
    exit 0
fi
rm -f {_WISHES}/$1.off
touch {_WISHES}/$1.wish
tries=0
while [ ! -e {_WISHES}/$1.off ]; do
    tries=$((tries + 1))
    [ $tries -gt 300 ] && exit 1
    sleep 0.1
done
"""


@contextmanager
def switched(hosts: Hosts, control: str = "c1") -> Iterator[None]:
    """Within the context, hosts whose fence agent is asked for it lose their power."""
    stop = threading.Event()
    host = hosts[control]
    host.run("sh", "-c", f"mkdir -p {_WISHES}; cat >{PROGRAM} <<'END'\n{_TEXT}END\nchmod 755 {PROGRAM}")

    def watch() -> None:
        while not stop.wait(0.3):
            for file in host.run("ls", _WISHES, check=False).split():
                name, _, kind = file.rpartition(".")
                if kind == "wish":
                    hosts[name].lose()
                    host.run("sh", "-c", f"rm {_WISHES}/{file}; touch {_WISHES}/{name}.off")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        host.run("rm", "-r", PROGRAM, _WISHES)
