"""One command at a time; the other one says who is at work, or waits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from onestack.core.errors import Busy
from onestack.core.wait import until
from onestack.host.lock import abandoned, held, holder


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    file = tmp_path / "deep/lock"
    with held(file, "onestack up"), pytest.raises(Busy) as busy, held(file, "onestack down"):
        pytest.fail("both hold it")
    assert f"onestack up (pid {os.getpid()}, since" in busy.value.summary
    assert busy.value.where == str(file)


def test_it_is_free_again_also_after_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), held(file, "one"):
        raise ZeroDivisionError
    with held(file, "two"):
        assert holder(file).startswith("two (pid")
    assert holder(file) == "unknown"


def test_an_interrupted_holder_leaves_a_trace_and_lets_go(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with pytest.raises(KeyboardInterrupt), held(file, "one"):
        raise KeyboardInterrupt
    assert abandoned(file)
    with held(file, "two"):
        pass
    assert not abandoned(file)


def test_who_waits_gets_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    got = threading.Event()

    def wait() -> None:
        with held(file, "patient", seconds=30):
            got.set()

    with held(file, "first"):
        thread = threading.Thread(target=wait)
        thread.start()
        assert not got.is_set()
    thread.join(30)
    assert got.is_set()


def test_it_ends_with_a_holder_that_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    script = (
        "import sys, time; from pathlib import Path; from onestack.host.lock import held\n"
        "with held(Path(sys.argv[1]), 'killed'): time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(file)]) as other:
        until(
            "the other to hold it",
            lambda: (file.exists() and str(other.pid) in file.read_text(), ""),
            seconds=30,
        )
        assert not abandoned(file)
        other.kill()
        other.wait()
    assert abandoned(file)
    with held(file, "next", seconds=5):
        assert holder(file).startswith("next")
    assert not abandoned(file)
    assert not abandoned(tmp_path / "never")
