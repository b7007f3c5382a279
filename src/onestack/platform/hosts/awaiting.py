"""Waits at boot for the other control hosts: after a power cut they come back in any order, and no cluster is begun
without a majority of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from onestack.core.errors import OneStackError, Unready
from onestack.core.events import Emit, Event, step
from onestack.core.graph import Task, execute
from onestack.core.wait import until
from onestack.host.machine import RemoteMachine, ssh
from onestack.platform.hosts.remote import address
from onestack.spec.model import Host

GRACE_SECONDS = 60.0
"""How long is waited for the rest of the control hosts once a majority answers: the rest may have newer data, and
joins at once."""


def control_hosts(others: Sequence[Host], seconds: float, emit: Emit) -> None:
    """Wait until the other control hosts answer by ssh: all of them, or a majority and `GRACE_SECONDS` are over.

    After `seconds` it is said who did not answer, and no more is waited: what needs a majority fails with its own
    words. Nothing is said where all answer at once.
    """
    if not others or not (away := _away(others)):
        return
    size, majority_since = len(others) + 1, 0.0

    def enough() -> tuple[bool, str]:
        nonlocal away, majority_since
        away = _away([each for each in others if each.name in away])
        if size - len(away) > size // 2:
            majority_since = majority_since or time.monotonic()
        is_late = majority_since and time.monotonic() - majority_since > GRACE_SECONDS
        return bool(not away or is_late), f"no answer: {', '.join(sorted(away))}"

    emit(Event("boot", "noted", f"waiting up to {seconds:.0f} s for {', '.join(sorted(away))}"))
    with step("other control hosts", emit) as at:
        try:
            until("the other control hosts to answer", enough, seconds=seconds, every=2.0)
        except Unready:
            at.outcome = f"no answer from {', '.join(sorted(away))} in {seconds:.0f} s"
        else:
            at.outcome = f"without {', '.join(sorted(away))}" if away else "all answer"


def _away(hosts: Sequence[Host]) -> set[str]:
    """The names of those that do not answer."""

    def ask(host: Host) -> None:
        with RemoteMachine(host.name, ssh.command(address(host))) as machine:
            machine.run(["true"], seconds=10)

    failed = execute([Task(each.name, partial(ask, each)) for each in hosts], workers=len(hosts))
    for error in failed.values():
        if not isinstance(error, OneStackError):
            raise error
    return set(failed)
