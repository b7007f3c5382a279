"""HAProxy's runtime socket: the fewest commands that bring its servers to what is wanted."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from onestack_runtime.drivers.balancer import control
from onestack_runtime.drivers.balancer.control import Refused, Wanted

# As HAProxy 3.0 says it.
STATE = """\
1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight ...
4 P:L 1 M1 10.0.0.11 2 0 1 1 8 6 3 4 6 0 0 0 - 80 - 0 0 - - 0
4 P:L 2 M2 10.0.0.12 2 0 5 1 8 6 3 4 6 0 0 0 - 80 - 0 0 - - 0
4 P:L 3 M3 10.0.0.13 0 5 1 1 8 6 3 4 6 0 0 0 - 80 - 0 0 - - 0
"""


def wanted(name: str, weight: int = 1, *, disabled: bool = False) -> Wanted:
    return Wanted("P:L", name, f"10.0.0.1{name[1]}:80", weight, disabled, ("check", "inter", "5s"))


def changes(*each: Wanted) -> list[str]:
    return control.changes(each, control.servers(STATE))


def test_nothing_is_told_when_nothing_differs() -> None:
    assert changes(wanted("M1"), wanted("M2", 5), wanted("M3", disabled=True)) == []


def test_weights_and_maintenance() -> None:
    assert changes(wanted("M1", 0), wanted("M2", 5, disabled=True), wanted("M3")) == [
        "set server P:L/M1 weight 0",
        "set server P:L/M2 state maint",
        "set server P:L/M3 state ready",
    ]


def test_a_new_server_is_added_checked_and_let_in() -> None:
    found = changes(wanted("M1"), wanted("M2", 5), wanted("M3", disabled=True), wanted("M4", 2))
    assert found == [
        "add server P:L/M4 10.0.0.14:80 weight 2 check inter 5s",
        "enable health P:L/M4",
        "enable server P:L/M4",
    ]
    off = changes(wanted("M1"), wanted("M2", 5), wanted("M3", disabled=True), wanted("M4", disabled=True))
    assert "enable server P:L/M4" not in off


def test_a_server_that_leaves_gets_nothing_new_and_goes_with_its_last_connection() -> None:
    left = [wanted("M1"), wanted("M3", disabled=True)]
    assert changes(*left) == ["set server P:L/M2 state maint"]
    assert control.deletions(left, control.servers(STATE)) == ["del server P:L/M2"]
    assert changes(wanted("M1"), wanted("M2", 5)) == [], "what is in maintenance already is not told again"


def test_rows_of_statistics() -> None:
    rows = control.statistics("# pxname,svname,status\nL1,FRONTEND,OPEN\nP:L,M1,UP\n")
    assert [row["status"] for row in rows] == ["OPEN", "UP"]
    assert rows[0]["pxname"] == "L1"


@pytest.fixture
def answering(tmp_path: Path) -> tuple[Path, list[str], list[str]]:
    """A socket that gives prepared answers; what it was asked."""
    place, answers, asked = tmp_path / "socket", [], []
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(place))
    server.listen()

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                asked.append(client.recv(1000).decode().strip())
                client.sendall(answers.pop(0).encode() if answers else b"\n")

    threading.Thread(target=serve, daemon=True).start()
    return place, answers, asked


def test_commands_are_given_in_order(answering: tuple[Path, list[str], list[str]]) -> None:
    place, answers, asked = answering
    answers += ["New server registered.\n", "\n"]
    control.execute_all(place, ["add server P:L/M4 10.0.0.14:80", "enable server P:L/M4"])
    assert asked == ["add server P:L/M4 10.0.0.14:80", "enable server P:L/M4"]


def test_a_refusal_is_raised_with_haproxys_words(answering: tuple[Path, list[str], list[str]]) -> None:
    place, answers, asked = answering
    answers.append("Backend must use a dynamic load balancing to support dynamic servers.\n")
    with pytest.raises(Refused, match="dynamic load balancing"):
        control.execute_all(place, ["add server P:L/M4 10.0.0.14:80", "enable server P:L/M4"])
    assert len(asked) == 1
