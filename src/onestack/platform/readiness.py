"""Starts a process and waits until it is ready.

Slow machines get more time: a wait fails only when no work was done for the seconds that the process declares.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from onestack.core import contract
from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.core.wait import REST, until
from onestack.host.command import last_lines
from onestack.host.machine import Condition, local
from onestack.host.progress import Progress
from onestack.platform.node import Node
from onestack.platform.shape import Process, Ready

T = TypeVar("T")
TRIES = 3
"""A process has failed if it was started this many times without becoming ready."""
SAY_SECONDS = 20.0
"""The interval at which a wait reports what it waits for, in seconds."""


def hold_requests(node: Node, process: Process) -> None:
    """Have the API gateway let new requests to a process wait, since it is about to be exchanged: its sockets are
    there again when it listens anew. For `gateway.AWAIT_SECONDS` at most, and with one control host."""
    for socket in node.outside(contract.API_SOCKETS).glob("*.sock"):
        if socket.stem == process.name or socket.stem.startswith(f"{process.name}-"):
            socket.unlink(missing_ok=True)


def start(node: Node, process: Process, emit: Emit) -> None:
    """Start a process unless it runs, and wait until it is ready."""
    program = node.supervisor.program(process.name)
    if program and program.state == "RUNNING" and is_ready(node, process.ready)[0]:
        return
    with step(process.name, emit) as at:
        node.supervisor.launch(process.name)
        wait_ready(node, process, at.progress)


def wait_ready(node: Node, process: Process, say: Callable[[str], None] = lambda message: None) -> None:
    """Wait until a started process is ready. Raises Unready with the last lines of its log.

    The deadline is extended while any process of the cloud works, since this one may wait for another. `say` is
    called at intervals, with a description of the state.
    """
    log = node.log(process.name)

    def evidence() -> str:
        return last_lines(local.tail(log))

    tries: set[int] = set()
    state, checked_at = node.supervisor.program(process.name), time.monotonic()
    reported = checked_at

    def poll() -> tuple[bool, str]:
        nonlocal state, checked_at, reported
        done, answer = is_ready(node, process.ready)
        if done:
            return done, answer
        # A request to supervisord costs more than the readiness check itself: once a second is enough.
        if time.monotonic() - checked_at > 1:
            state, checked_at = node.supervisor.program(process.name), time.monotonic()
        tries.add(state.pid if state else 0)
        if state is None or state.state in ("FATAL", "EXITED") or len(tries - {0}) > TRIES:
            raise PermanentError(
                f"{process.name} ends as soon as it is started ({(state and state.why) or 'see its log'})",
                detail=evidence(),
                where=str(log),
                hint="the cause is in the log; fix it and run `onestack up` again",
            )
        answer = f"{answer}, process {state.state.lower()}"
        if time.monotonic() - reported > SAY_SECONDS:
            reported = time.monotonic()
            say(answer)
        return done, answer

    # Python services take seconds to start; infrastructure services are ready at once.
    every = 0.25 if process.ready.http else 0.05
    until(
        f"{process.name} to be ready",
        poll,
        seconds=process.ready.seconds,
        every=every,
        where=log,
        evidence=evidence,
        working=progress(node),
        rest=REST,
    )


def progress(node: Node) -> Progress:
    """The work of the cloud's processes, without those of its tenants (guests, balancers)."""
    return local.of_cloud(node.paths.run)


def is_ready(node: Node, condition: Ready) -> tuple[bool, str]:
    """Whether a readiness condition holds now, and the observation."""
    return local.holds(on_host(node, condition))


def on_host(node: Node, declared: Ready) -> Condition:
    """A process's readiness condition, with the host's paths and command."""

    def placed(pair: tuple[str, T] | None) -> tuple[Path, T] | None:
        return (node.outside(pair[0]), pair[1]) if pair else None

    return Condition(
        http=placed(declared.http),
        socket=node.outside(declared.socket) if declared.socket else None,
        command=tuple(node.enter(declared.command, declared.tree)) if declared.command else (),
        written=placed(declared.written),
        cloud=node.paths.run,
        seconds=declared.seconds,
    )
