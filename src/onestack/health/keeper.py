"""Keeps a cloud alive: restarts processes that hang or that supervisord gave up, and counts restarts.

supervisord restarts a process that dies. The keeper handles processes that run but do not answer: it makes each
one's readiness check, and restarts one that was ready and has not answered for longer than its declaration allows.
It is one more process under supervisord.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.health.backup.schedule import Schedule
from onestack.health.securing import renewal
from onestack.host.files import replace_file
from onestack.platform import layout, site
from onestack.platform.readiness import is_ready
from onestack.platform.shape import Process
from onestack.platform.site import Site
from onestack.platform.watchers import AUTOSCALER_PROCESS, scales

LOG = logging.getLogger("onestack.keeper")
PERIOD = 5.0
"""Seconds between two rounds of checks."""
FATAL_PAUSE = (5.0, 15.0, 30.0, 60.0)
"""Seconds before a process that supervisord gave up is started again; the last value repeats."""
COMMAND_PERIOD = 30.0
"""Seconds between two readiness checks by a command, since starting a process costs more than a request to a socket.
"""


@dataclass
class Watched:
    """What the keeper knows about a process."""

    process: Process
    pid: int = 0
    restarts: int = 0
    was_ready: bool = False
    silent_since: float | None = None
    given_up: int = 0
    try_again: float = 0.0
    checked: float = field(default=0.0)


def verdict(watched: Watched, state: str, pid: int, answers: bool | None, now: float) -> str | None:
    """What to do about a process: "restart", "launch" or nothing. Pure, except that it updates `watched`.

    `answers`: its readiness now, None if it was not checked. `now`: seconds, monotonic.
    """
    if state in ("FATAL", "EXITED"):
        watched.was_ready, watched.silent_since = False, None
        if now < watched.try_again:
            return None
        pause = FATAL_PAUSE[min(watched.given_up, len(FATAL_PAUSE) - 1)]
        watched.given_up += 1
        watched.try_again = now + pause
        return "launch" if watched.given_up > 1 else None
    if state != "RUNNING":
        return None
    if pid != watched.pid:
        if watched.pid:
            watched.restarts += 1
        watched.pid, watched.was_ready, watched.silent_since = pid, False, None
    if answers is None:
        return None
    if answers:
        watched.was_ready, watched.silent_since, watched.given_up = True, None, 0
        return None
    if not watched.was_ready:
        return None
    if watched.silent_since is None:
        watched.silent_since = now
    if now - watched.silent_since < watched.process.hang_seconds:
        return None
    watched.was_ready, watched.silent_since = False, None
    return "restart"


class Keeper:
    """Watches every process of one cloud until it is stopped."""

    def __init__(self, found: Site) -> None:
        self._site = found
        processes = [*layout.processes(found.view), *([AUTOSCALER_PROCESS] if scales(found) else [])]
        self._watched = {each.name: Watched(each) for each in processes}
        self._file = found.paths.run / "keeper.json"
        self._stop = threading.Event()
        self._renewed = time.monotonic() - renewal.PERIOD + renewal.FIRST
        self._backups = Schedule(found)
        self._supervisor = os.getppid()
        recall(self._watched, self._file, self._supervisor)

    def run(self) -> None:
        """Check every PERIOD seconds; a failed round is logged, and the next one tries again."""
        while not self._stop.wait(PERIOD):
            if os.getppid() != self._supervisor:
                # The next `up` starts another supervisord with another keeper.
                LOG.error("supervisord is gone: nothing is watched any more")
                return
            try:
                self.check()
                self._renew()
                self._backups.check()
            except PermanentError as error:
                LOG.warning("%s: %s", error.summary, error.detail)

    def stop(self) -> None:
        self._stop.set()

    def check(self) -> None:
        """One round of checks, of all processes."""
        for name, state in self._site.here.supervisor.programs().items():
            watched = self._watched.get(name)
            if watched is None:
                continue
            # While `up` or `down` runs, it is responsible for the processes that it starts and stops.
            if state.state == "STOPPED":
                watched.pid = 0
                continue
            before = watched.pid
            answers = self._is_ready(watched) if state.state == "RUNNING" else None
            action = verdict(watched, state.state, state.pid, answers, time.monotonic())
            if before and watched.pid not in (0, before):
                LOG.warning("%s was started again (pid %s, before %s)", name, watched.pid, before)
            if action == "restart":
                LOG.error("%s has not answered for %.0f s: restarting it", name, watched.process.hang_seconds)
                self._site.here.supervisor.stop(name)
                self._site.here.supervisor.launch(name)
            elif action == "launch":
                LOG.warning("%s had ended for good: tried again", name)
                self._site.here.supervisor.launch(name)
        self._write()

    def _renew(self) -> None:
        """Renew certificates that are due, from time to time."""
        if time.monotonic() - self._renewed < renewal.PERIOD:
            return
        self._renewed = time.monotonic()
        for name in renewal.due(self._site):
            LOG.warning("the certificate %s was renewed", name)

    def _is_ready(self, watched: Watched) -> bool | None:
        now = time.monotonic()
        if watched.process.ready.command and now - watched.checked < COMMAND_PERIOD:
            return None
        watched.checked = now
        return is_ready(self._site.here, watched.process.ready)[0]

    def _write(self) -> None:
        data = {
            "time": time.time(),
            "supervisor": self._supervisor,
            "restarts": {name: watched.restarts for name, watched in self._watched.items()},
            "ready": {name: watched.pid for name, watched in self._watched.items() if watched.was_ready},
        }
        replace_file(self._file, json.dumps(data))


def recall(known: Mapping[str, Watched], file: Path, supervisor: int) -> None:
    """Load the state that an earlier keeper under the same supervisord saved, so that a restart of the keeper loses
    nothing."""
    try:
        noted = json.loads(file.read_text())
        if noted["supervisor"] != supervisor:
            return
        for name, watched in known.items():
            watched.restarts = int(noted["restarts"].get(name, 0))
            watched.pid = int(noted["ready"].get(name, 0))
            watched.was_ready = watched.pid != 0
    except (OSError, ValueError, KeyError):
        return


def main(root: str, cache: str) -> None:
    """Run the keeper of the cloud under `root` until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    keeper = Keeper(site.load(Paths.at(root, cache)))
    LOG.info("watching")
    keeper.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
