"""Starts, reloads and stops the HAProxy of one balancer, and finds its processes.

It runs in its network namespace, in master-worker mode and in a session of its own: it survives the process that
started it. It is recognised by its pid file and by the path of its configuration on its command line.
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
    """Write the script for PING monitors."""
    script = Path(config.PING)
    script.write_text(_PING)
    script.chmod(0o755)


def check(place: Place, file: Path) -> None:
    """Raise Failed, with HAProxy's error output, if it refuses a configuration."""
    run(inside(place, "haproxy", "-c", "-q", "-f", str(file)))


def start(place: Place) -> None:
    """Start HAProxy with the balancer's configuration; returns when it serves. Raises Failed."""
    place.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.state.touch(mode=0o600)
    words = ("haproxy", "-W", "-D", "-S", f"{place.master},mode,600", "-L", "local")
    argv = inside(place, *words, "-f", str(place.config), "-p", str(place.pid))
    log_file = place.folder / "start.log"
    # A file, not a pipe: the daemon may keep it open.
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
            control.execute(place.socket, "show version")
        except OSError as error:
            if time.monotonic() > deadline:
                raise Failed(f"haproxy does not answer on {place.socket}: {error}") from error
            time.sleep(0.02)
        else:
            return


def reload(place: Place) -> None:
    """Reload the configuration: a new worker process takes over, and the old one finishes its connections.

    Raises Failed, with HAProxy's error output; the old one then keeps serving.
    """
    answer = control.execute(place.master, "reload", RELOAD_SECONDS)
    if not answer.startswith("Success=1"):
        raise Failed(f"haproxy did not reload: {answer}")
    _wait_answer(place)


def stop(place: Place) -> None:
    """End all processes of the balancer's HAProxy. Idempotent. Raises Failed."""
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
    """Wait until no process is left; returns the pids of those that still run."""
    deadline = time.monotonic() + seconds
    while (left := processes(place)) and time.monotonic() < deadline:
        time.sleep(0.03)
    return left


def master(place: Place) -> int | None:
    """The pid of HAProxy's master process; None if it does not run."""
    try:
        pid = int(place.pid.read_text())
    except (OSError, ValueError):
        return None
    return pid if _belongs_to(place, pid) else None


def processes(place: Place) -> list[int]:
    """The pids of all its processes: the master, the worker, and old workers after a reload."""
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return [pid for pid in pids if _belongs_to(place, pid)]


def _belongs_to(place: Place, pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        # A zombie has an empty command line.
        return words[0].endswith(b"haproxy") and str(place.config).encode() in words
    except OSError:
        return False
