"""Starting a process, and waiting until it is ready.

A slow machine is given time: a wait ends when nothing was done for as long as the process's declaration says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.core.wait import until
from onestack.host import processes, ready
from onestack.host.command import last_lines
from onestack.host.progress import Progress
from onestack.platform.shape import Process, Ready
from onestack.platform.site import Site

TRIES = 3
"""How often a process may be started before it counts as one that cannot be."""
SAY_SECONDS = 20.0
"""How often a wait says what it waits for."""


def start(site: Site, process: Process, emit: Emit) -> None:
    """Start a process unless it runs, and wait until it is ready."""
    there = site.supervisor.program(process.name)
    if there and there.state == "RUNNING" and is_ready(site, process.ready)[0]:
        return
    with step(process.name, emit) as at:
        site.supervisor.launch(process.name)
        wait_ready(site, process, at.progress)


def wait_ready(site: Site, process: Process, say: Callable[[str], None] = lambda message: None) -> None:
    """Wait until a started process is ready. Raises Unready with the last lines of its log.

    The deadline is put off while any process of the cloud works: this one may be waiting for another.
    `say` hears now and then what is waited for.
    """
    log = site.log(process.name)

    def evidence() -> str:
        return last_lines(tail(log))

    tries: set[int] = set()
    state, asked = site.supervisor.program(process.name), time.monotonic()
    told = asked

    def look() -> tuple[bool, str]:
        nonlocal state, asked, told
        done, seen = is_ready(site, process.ready)
        if done:
            return done, seen
        # The question to supervisord costs both sides more than the one to the process: once a second does.
        if time.monotonic() - asked > 1:
            state, asked = site.supervisor.program(process.name), time.monotonic()
        tries.add(state.pid if state else 0)
        if state is None or state.state in ("FATAL", "EXITED") or len(tries - {0}) > TRIES:
            raise PermanentError(
                f"{process.name} ends as soon as it is started ({(state and state.why) or 'see its log'})",
                detail=evidence(),
                where=str(log),
                hint="the cause is in the log; after mending it run `onestack up` again",
            )
        seen = f"{seen}, process {state.state.lower()}"
        if time.monotonic() - told > SAY_SECONDS:
            told = time.monotonic()
            say(seen)
        return done, seen

    # Python services take seconds to come; the native parts are there at once.
    every = 0.25 if process.ready.http else 0.05
    until(
        f"{process.name} to be ready",
        look,
        seconds=process.ready.seconds,
        every=every,
        where=log,
        evidence=evidence,
        working=progress(site),
    )


def progress(site: Site) -> Progress:
    """Whether the cloud's processes work, those of its tenants (guests, balancers) left out."""

    def ours() -> list[int]:
        found = processes.of_cloud(site.paths.run)
        return [each.pid for each in found if not each.is_guest and not each.is_balancer]

    return Progress(ours)


def is_ready(site: Site, condition: Ready) -> tuple[bool, str]:
    """Whether a readiness condition holds now, and what was seen."""
    if condition.http:
        return ready.http_answer(site.outside(condition.http[0]), condition.http[1])
    if condition.socket:
        return ready.accepts(site.outside(condition.socket))
    if condition.command:
        return ready.command_succeeds(site.enter(condition.command))
    if condition.written:
        return ready.written(site.outside(condition.written[0]), condition.written[1])
    return True, "nothing to ask"


def tail(log: Path, size: int = 20000) -> str:
    """The end of a log."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode(errors="replace")
