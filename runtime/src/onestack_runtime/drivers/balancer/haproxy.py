"""The HAProxy of one balancer: started in its network namespace, reloaded, stopped, found again.

It runs in master-worker mode in a session of its own: whoever started it may end. Nothing but its pid file and
its configuration's path on its command line says whose it is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from onestack_runtime.drivers.balancer import config, control
from onestack_runtime.drivers.balancer.places import Place
from onestack_runtime.drivers.balancer.plug import inside
from onestack_runtime.serving.commands import Failed, run

START_SECONDS = 20.0
RELOAD_SECONDS = 30.0
STOP_SECONDS = 1.0
KILL_SECONDS = 5.0
_PING = """\
#!/bin/sh
# Run by HAProxy for PING monitors: 0 when the member answers.
exec /usr/bin/ping -q -n -w 1 -c 1 "$HAPROXY_SERVER_ADDR" > /dev/null 2>&1
"""


def install() -> None:
    """Put the script for PING monitors in its place."""
    script = Path(config.PING)
    script.write_text(_PING)
    script.chmod(0o755)


def check(place: Place, file: Path) -> None:
    """Raise Failed with HAProxy's words when it refuses a configuration."""
    run(inside(place, "haproxy", "-c", "-q", "-f", str(file)))


def start(place: Place) -> None:
    """Start it with its configuration; it serves when this returns. Raises Failed."""
    place.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.state.touch(mode=0o600)
    words = ("haproxy", "-W", "-D", "-S", f"{place.master},mode,600", "-L", "local")
    argv = inside(place, *words, "-f", str(place.config), "-p", str(place.pid))
    log_file = place.folder / "start.log"
    # A file, not a pipe: the daemon may hold on to it.
    with log_file.open("wb") as out:
        child = subprocess.Popen(
            argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            status = child.wait(START_SECONDS)
        except subprocess.TimeoutExpired as late:
            child.kill()
            raise Failed(
                f"haproxy did not start within {START_SECONDS:.0f} s: {log_file.read_text()}"
            ) from late
    if status:
        raise Failed(f"haproxy does not start: {log_file.read_text().strip()}")
    _wait_answer(place)


def _wait_answer(place: Place) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            control.ask(place.socket, "show version")
        except OSError as error:
            if time.monotonic() > deadline:
                raise Failed(f"haproxy does not answer on {place.socket}: {error}") from error
            time.sleep(0.02)
        else:
            return


def reload(place: Place) -> None:
    """Have a new worker process take over with the configuration as it is now; the old one ends what it began.

    Raises Failed, with HAProxy's words; the old one then goes on.
    """
    answer = control.ask(place.master, "reload", RELOAD_SECONDS)
    if not answer.startswith("Success=1"):
        raise Failed(f"haproxy did not reload: {answer}")
    _wait_answer(place)


def stop(place: Place) -> None:
    """End all its processes. Harmless when none runs. Raises Failed."""
    if (pid := master(place)) is not None:
        _signal([pid], signal.SIGTERM)
        _wait_gone(place, STOP_SECONDS)
    _signal(processes(place), signal.SIGKILL)
    if left := _wait_gone(place, KILL_SECONDS):
        raise Failed(f"processes of the balancer do not end: {left}")
    place.pid.unlink(missing_ok=True)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _wait_gone(place: Place, seconds: float) -> list[int]:
    """Wait until no process is left; those that are."""
    deadline = time.monotonic() + seconds
    while (left := processes(place)) and time.monotonic() < deadline:
        time.sleep(0.03)
    return left


def master(place: Place) -> int | None:
    """The process id of its master; None when it does not run."""
    try:
        pid = int(place.pid.read_text())
    except (OSError, ValueError):
        return None
    return pid if _is_its(pid, place) else None


def processes(place: Place) -> list[int]:
    """Every process of it: the master, the worker, workers that end after a reload."""
    return [int(e.name) for e in Path("/proc").iterdir() if e.name.isdigit() and _is_its(int(e.name), place)]


def _is_its(pid: int, place: Place) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        # A process that ended and was not waited for has no command line.
        return words[0].endswith(b"haproxy") and str(place.config).encode() in words
    except OSError:
        return False
