"""The life of a runner, as a real process: it listens, says when it is ready, ends in order, fails aloud."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from onestack.core.wait import until

HERE = Path(__file__).parent
RUNTIME = HERE.parents[1] / "runtime/src"
PATIENCE = 30


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, place: Path) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._place))


@dataclass
class Runner:
    process: subprocess.Popen[bytes]
    place: Path
    journal: Path

    def ask(self, path: str, connection: Connection | None = None) -> tuple[int, str]:
        connection = connection or Connection(self.place)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def until(self, path: str, status: int, says: str = "") -> str:
        """Ask until the answer has this status, and `says` in it; what it says."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                found, text = self.ask(path)
                if found == status and says in text:
                    return text
            except OSError as error:
                found, text = 0, str(error)
            if time.monotonic() > deadline:
                pytest.fail(f"{path} did not answer {status} in {PATIENCE} s, last {found} {text}")
            time.sleep(0.02)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    @property
    def happened(self) -> list[str]:
        return self.journal.read_text().split()


@pytest.fixture
def runner(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Runner]:
    place, journal = tmp_path / "api/test.sock", tmp_path / "journal"
    place.parent.mkdir()
    place.write_text("left over from a kill")
    journal.touch()
    mode = getattr(request, "param", "plain")
    process = subprocess.Popen(
        [sys.executable, str(HERE / "runner.py"), str(place), str(journal), mode],
        env={**os.environ, "PYTHONPATH": str(RUNTIME)},
        stderr=subprocess.DEVNULL,
    )
    yield Runner(process, place, journal)
    process.kill()
    process.wait()


def test_it_serves_below_its_path(runner: Runner) -> None:
    runner.until("/compute/healthcheck", 200)
    assert runner.ask("/compute/v2.1/servers") == (200, "/compute|/v2.1/servers")
    assert runner.ask("/compute") == (200, "/compute|/")
    assert runner.ask("/computer/v2.1")[0] == 404
    assert runner.ask("/")[0] == 404


def test_only_its_user_and_the_front_reach_the_socket(runner: Runner) -> None:
    runner.until("/compute/healthcheck", 200)
    assert runner.place.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("runner", ["late"], indirect=True)
def test_it_listens_before_its_workers_are_up_and_says_which_are_not(runner: Runner) -> None:
    # It listens before its workers are named.
    runner.until("/compute/healthcheck", 503, "worker")
    assert runner.ask("/compute/release")[0] == 200
    assert runner.until("/compute/healthcheck", 200) == "OK\n"


@pytest.mark.parametrize("runner", ["late"], indirect=True)
def test_what_the_workers_start_left_over_is_freed(runner: Runner) -> None:
    # All else is up, and what that left over has been freed before.
    runner.until("/compute/healthcheck", 503, "starting: worker")
    runner.ask("/compute/release")
    until(
        "what the worker's start left over to be freed",
        lambda: ("collected" in runner.happened, str(runner.happened)),
        seconds=PATIENCE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order(runner: Runner, number: signal.Signals) -> None:
    runner.until("/compute/healthcheck", 200)
    assert runner.end(number) == 0
    assert runner.happened == ["started", "drain", "stop"]


def test_a_terminal_that_hangs_up_does_not_end_it(runner: Runner) -> None:
    runner.until("/compute/healthcheck", 200)
    runner.process.send_signal(signal.SIGHUP)
    assert runner.ask("/compute/still")[0] == 200
    assert runner.end() == 0


@pytest.mark.parametrize("runner", ["broken"], indirect=True)
def test_it_fails_when_a_worker_cannot_be_started(runner: Runner) -> None:
    assert runner.process.wait(PATIENCE) == 1


@pytest.mark.parametrize("runner", ["half"], indirect=True)
def test_it_fails_when_its_start_fails_while_it_listens(runner: Runner) -> None:
    assert runner.process.wait(PATIENCE) == 1


@pytest.mark.parametrize("runner", ["dying"], indirect=True)
def test_it_fails_when_a_thread_that_must_live_ends(runner: Runner) -> None:
    runner.until("/compute/healthcheck", 200)
    runner.ask("/compute/release")
    assert runner.process.wait(PATIENCE) == 1
    assert runner.happened == ["started", "drain", "stop"]


@pytest.mark.parametrize("runner", ["stuck"], indirect=True)
def test_what_does_not_end_is_left(runner: Runner) -> None:
    runner.until("/compute/healthcheck", 200)
    assert runner.end() == 0


def test_an_upload_that_is_not_read_to_its_end_does_not_spoil_what_follows(runner: Runner) -> None:
    runner.until("/compute/healthcheck", 200)
    connection = Connection(runner.place)
    for _ in range(3):
        connection.request("PUT", "/compute/upload", iter([b"0123456789"] * 100), encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"/compute|/upload")
        assert runner.ask("/compute/next", connection) == (200, "/compute|/next")


def test_a_small_body_that_is_not_read_does_not_cost_the_connection(runner: Runner) -> None:
    runner.until("/compute/healthcheck", 200)
    connection = Connection(runner.place)
    connection.request("PUT", "/compute/upload", b"0123456789" * 10)
    answer = connection.getresponse()
    assert answer.read() == b"/compute|/upload"
    before = connection.sock
    assert runner.ask("/compute/next", connection) == (200, "/compute|/next")
    assert before is not None
    assert connection.sock is before
