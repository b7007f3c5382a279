"""What the database gateways ask each MariaDB: whether it is synchronized with a majority of the cluster."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from onestack_runtime.serving.database_check import Member, Server, usable

SYNCED = {
    "wsrep_cluster_status": "Primary",
    "wsrep_local_state_comment": "Synced",
    "wsrep_ready": "ON",
    "wsrep_cluster_size": "3",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"wsrep_local_state_comment": "Donor/Desynced"}, True),
        ({"wsrep_local_state_comment": "Joining: receiving State Transfer"}, False),
        ({"wsrep_cluster_status": "non-Primary"}, False),
        ({"wsrep_ready": "OFF"}, False),
    ],
)
def test_a_member_is_usable_while_it_is_synchronized_with_a_majority(
    changed: dict[str, str], expected: bool
) -> None:
    assert usable({**SYNCED, **changed}) is expected
    assert not usable({})


class Fake(Member):
    def __init__(self, status: dict[str, str] | None) -> None:
        super().__init__("nowhere")
        self._status = status

    def _query(self) -> dict[str, str]:
        if self._status is None:
            raise OSError("no MariaDB")
        return self._status


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (SYNCED, "200", "wsrep_local_state_comment Synced"),
        ({**SYNCED, "wsrep_ready": "OFF"}, "503", "wsrep_ready OFF"),
        (None, "503", "no MariaDB"),
    ],
)
def test_it_answers_over_http_on_its_socket(
    tmp_path: Path, status: dict[str, str] | None, code: str, words: str
) -> None:
    place = tmp_path / "check.sock"
    server = Server(place, Fake(status))
    assert place.stat().st_mode & 0o777 == 0o660
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(place))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b"")).decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert answer.split()[1] == code
    assert words in answer
