"""A deadline measures standstill: what is slow is waited for, what does nothing is given up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from onestack.core import wait
from onestack.core.errors import Unready
from onestack.core.wait import LIMIT, PERIOD, Deadline, until
from onestack.host import command
from onestack.host.command import CommandFailed, run
from onestack.host.progress import BYTES, Progress, Used, tree, used


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def passed_at(seconds: float, busy_until: float | None) -> float:
    """When a deadline of `seconds` passes for something that works until `busy_until` (None: no one asks)."""
    clock = Clock()
    working = None if busy_until is None else lambda: clock.now < busy_until
    deadline = Deadline(seconds, working, clock=clock)
    while not deadline.passed():
        clock.now += 1
    return clock.now


def test_without_work_it_is_a_plain_one() -> None:
    assert passed_at(30, None) == passed_at(30, 0) == 30


def test_work_puts_it_off_until_nothing_is_done_any_more() -> None:
    assert 30 + 400 - 2 * PERIOD <= passed_at(30, 400) <= 30 + 400


def test_what_works_for_ever_is_given_up_all_the_same() -> None:
    assert passed_at(30, float("inf")) == LIMIT


def test_where_asking_costs_much_it_is_asked_seldom() -> None:
    clock, spent, asked = Clock(), Clock(), []

    def working() -> bool:
        asked.append(clock.now)
        spent.now += 2.0
        return True

    deadline = Deadline(1000, working, clock=clock, cost=spent)
    while clock.now < 500:
        deadline.passed()
        clock.now += 1
    assert asked == [PERIOD, *(PERIOD + 50.0 * n for n in range(1, 10))]


def test_it_is_asked_once_more_before_it_passes() -> None:
    clock, spent = Clock(), Clock()

    def working() -> bool:
        spent.now += 10.0
        return True

    deadline = Deadline(20, working, clock=clock, cost=spent)
    while clock.now < 500:
        assert not deadline.passed()
        clock.now += 1


def test_a_look_that_costs_much_is_followed_by_a_long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    spent, pauses = Clock(), []
    monkeypatch.setattr(wait.time, "thread_time", spent)
    monkeypatch.setattr(wait.time, "sleep", pauses.append)
    costs = iter([0.001, 0.04, 9.0, 0.0])

    def look() -> tuple[bool, str]:
        spent.now += next(costs)
        return len(pauses) == 3, "seen"

    until("it", look, seconds=600, every=0.25, rest=wait.REST)
    assert pauses == pytest.approx([0.25, 1.0, wait.LONGEST])


def test_a_wait_that_was_put_off_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(wait.time, "monotonic", clock)
    monkeypatch.setattr(wait.time, "sleep", lambda seconds: setattr(clock, "now", clock.now + 1))
    monkeypatch.setattr(Deadline.__init__, "__kwdefaults__", {"clock": clock, "cost": clock})
    with pytest.raises(Unready, match=r"waited \d\d s for it; last seen: no"):
        until("it", lambda: (False, "no"), seconds=30)
    with pytest.raises(Unready, match=r"waited 1\d\d s, of them 30 s without progress for it"):
        until("it", lambda: (False, "no"), seconds=30, working=lambda: clock.now < 150)


@pytest.mark.parametrize(
    ("cpu", "disk", "works"), [(0.0, 0, False), (0.2, 0, False), (1.5, 0, True), (0.0, 20 * BYTES, True)]
)
def test_work_is_processor_time_or_disk_transfers(cpu: float, disk: int, works: bool) -> None:
    clock, now = Clock(), {1: Used(100.0, 10**9)}
    progress = Progress(lambda: [1, 2, 3], measure=now.get, clock=clock)
    clock.now, now[1] = 10.0, Used(100.0 + cpu, 10**9 + disk)
    assert progress() is works
    clock.now = 20.0
    assert not progress()


def test_processes_that_come_count_and_those_that_go_do_not_undo() -> None:
    clock, now = Clock(), {1: Used(50.0, 0)}
    progress = Progress(lambda: list(now), measure=now.get, clock=clock)
    clock.now = 10.0
    del now[1]
    now[2] = Used(3.0, 0)
    assert progress()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", "import subprocess; subprocess.run(['sleep', '60'])"])
    yield child
    for pid in tree(child.pid):
        os.kill(pid, 9)
    child.wait()


def test_what_real_processes_use(sleeper: subprocess.Popen[bytes]) -> None:
    until("it to have a child", lambda: (len(tree(sleeper.pid)) == 2, ""), seconds=20)
    assert tree(sleeper.pid) < tree(os.getpid())
    mine = used(os.getpid())
    assert mine and mine.cpu > 0
    assert used(2**22 + 1) is None


SPIN = "import time; end = time.monotonic() + 5\nwhile time.monotonic() < end: pass\nprint(input())"


def test_a_command_that_works_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "PERIOD", 0.2)
    monkeypatch.setattr("onestack.host.command.PERIOD", 0.2)
    argv = [sys.executable, "-c", SPIN]
    # Long enough that a machine under load lets it work at all in that time.
    assert run(argv, seconds=3, text_in="given", patient=True) == "given\n"
    with pytest.raises(CommandFailed, match="did not end in time"):
        run(argv, seconds=3, text_in="given")


def test_what_a_slow_command_is_given_reaches_it_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a pipe holds, and not read before the deadline was asked for the first time."""
    monkeypatch.setattr(command, "PERIOD", 0.2)
    read_late = "import sys, time; time.sleep(0.6); print(len(sys.stdin.read()))"
    text = "x" * 1_000_000
    assert run([sys.executable, "-c", read_late], seconds=30, text_in=text, patient=True) == "1000000\n"


def test_a_command_that_stands_still_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "PERIOD", 0.2)
    monkeypatch.setattr("onestack.host.command.PERIOD", 0.2)
    with pytest.raises(CommandFailed, match="did not end in time") as failed:
        run(["sh", "-c", "echo begun; exec sleep 60"], seconds=0.6, patient=True)
    assert failed.value.detail == "begun"
