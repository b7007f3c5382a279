"""The load that tries groups: open loop, bounded, and every request that fails is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from onestack.autoscaling.trial import load
from onestack.autoscaling.trial.load import Load
from onestack.core.wait import until


class Member(ThreadingHTTPServer):
    """Answers as a guest does; `slow`: after so many seconds, `status`: with this."""

    slow, status = 0.0, 200


class Handler(BaseHTTPRequestHandler):
    server: Member

    def do_GET(self) -> None:
        time.sleep(self.server.slow)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"hostname=web-1 address=10.0.0.9\n")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def member() -> Iterator[Member]:
    made = Member(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def sent(member: Member, number: int, rate: float = 100.0) -> list[load.Answer]:
    made = Load("127.0.0.1", rate, port=member.server_port)
    until(
        "requests", lambda: (len(made.answers()) >= number, str(len(made.answers()))), seconds=20, every=0.01
    )
    return made.stop()


def test_who_answered_is_told(member: Member) -> None:
    answers = sent(member, 5)
    assert {(answer.who, answer.wrong) for answer in answers} == {("web-1", "")}
    assert all(answer.took >= 0 for answer in answers)


def test_a_slow_answer_delays_no_other(member: Member) -> None:
    member.slow = 0.3
    answers = sent(member, 10)
    due = sorted(answer.at for answer in answers)
    assert due[9] - due[0] < 10 * member.slow, "they were sent side by side"


def test_what_fails_is_told_with_its_reason(member: Member) -> None:
    member.status = 503
    assert {answer.wrong for answer in sent(member, 3)} == {"status 503"}
    nobody = Load("127.0.0.1", 50.0, port=9)
    until("a failure", lambda: (bool(nobody.answers()), ""), seconds=20, every=0.01)
    assert all("refused" in answer.wrong for answer in nobody.stop())


def test_a_load_ends_by_itself(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MOST", 7)
    made = Load("127.0.0.1", 200.0, port=member.server_port)
    until("all of them", lambda: (len(made.answers()) == 7, str(len(made.answers()))), seconds=20, every=0.01)
    assert len(made.stop()) == 7
