"""Two parts of the tests beside each other: both are shown, either fails the run, an end reaches both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import beside
import ended
import failures
import pytest

from onestack.core.wait import until

TIDIES_UP = """
import pathlib, signal, sys, time
heard = []
def end(number, frame):
    heard.append(number)
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, end)
try:
    pathlib.Path(sys.argv[1]).touch()
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    time.sleep(0.3)
    print(f"{pathlib.Path(sys.argv[1]).name} tidied up after {len(heard)}", flush=True)
    sys.exit(2)
"""


def says(text: str, status: int = 0) -> list[str]:
    return [sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"]


@pytest.mark.parametrize(("first", "second", "whole"), [(0, 0, 0), (1, 0, 1), (0, 3, 3), (1, 3, 1)])
def test_either_fails_the_run(tmp_path: Path, first: int, second: int, whole: int) -> None:
    assert beside.run(says("one", first), says("two", second), tmp_path / "log") == whole


@pytest.mark.parametrize(("first", "last", "whole"), [(0, 0, 0), (0, 4, 4), (1, 4, 1)])
def test_the_last_runs_after_both_and_fails_the_run(
    tmp_path: Path, first: int, last: int, whole: int
) -> None:
    mark = tmp_path / "ran"
    write = [sys.executable, "-c", f"open({str(mark)!r}, 'x'); raise SystemExit({last})"]
    assert beside.run(says("one", first), says("two"), tmp_path / "log", write) == whole
    assert mark.exists()


def test_one_that_was_killed_fails_the_run(tmp_path: Path) -> None:
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert beside.run(says("one"), killed, tmp_path / "log") == 128 + signal.SIGKILL


def test_the_second_is_shown_whole_after_the_first(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines = "\n".join(map(str, range(2000)))
    slow = [sys.executable, "-c", "import time; time.sleep(0.5); print('first')"]
    assert beside.run(slow, says(lines), tmp_path / "log") == 0
    shown = capfdbinary.readouterr().out.decode()
    assert shown == f"first\n{lines}\n"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_reaches_both_once_and_both_are_waited_for(tmp_path: Path, how: signal.Signals) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    both = [[sys.executable, "-c", TIDIES_UP, str(each)] for each in (one, two)]
    log = str(tmp_path / "log")
    words = (
        f"import beside, pathlib; raise SystemExit(beside.run(*{both!r}, pathlib.Path({log!r}), ['false']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(beside.__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", words], stdout=subprocess.PIPE, text=True, env=environment
    ) as run:
        until("both to run", lambda: (one.exists() and two.exists(), "not yet"), seconds=30, every=0.02)
        run.send_signal(how)
        shown, _ = run.communicate(timeout=30)
    assert run.returncode == 2
    assert shown.splitlines() == ["one tidied up after 1", "two tidied up after 1"]


def test_signals_that_say_the_same_end_a_run_of_the_tests_once(tmp_path: Path) -> None:
    """Ctrl-C comes to the whole group, and is passed on besides: a second one must not end the tidying up."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ended.__file__]
    environment = {**os.environ, ended.PLACE: str(tmp_path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment, cwd=beside.ROOT) as run:
        for number, file in ((signal.SIGINT, "runs"), (signal.SIGTERM, "heard")):
            there = tmp_path / file
            until(f"the test to say {file}", lambda there=there: (there.exists(), ""), seconds=60, every=0.02)
            run.send_signal(number)
        shown, _ = run.communicate(timeout=60)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, shown
    assert (tmp_path / "tidied").exists()


def test_what_failed_is_told_at_the_end(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text("import pytest\n@pytest.fixture\ndef broken(): raise OSError('no disk')\n"
                    "def test_a(): assert 1 + 1 == 3\ndef test_b(broken): pass\ndef test_c(): pass\n"
                    "def test_d(broken): pass\n")  # fmt: skip
    wrote = tmp_path / "one.xml"
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        failures.report(wrote),
        "-c",
        "/dev/null",
    ]
    subprocess.run([*words, str(test)], cwd=tmp_path, capture_output=True, check=False)
    told = "\n".join(failures.of([wrote, tmp_path / "two.xml"]))
    for said in (
        "test_it::test_a",
        "assert (1 + 1) == 3",
        "test_it::test_b",
        "no disk",
        "two: ended without a report",
    ):
        assert said in told
    assert "test_c" not in told
    assert told.count("no disk") == 1
    assert "test_d (0 s)\n    as test_it::test_b" in told
