"""What a connection need not ask the server is not sent to it; everything else is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onestack_runtime import database_connections


class Lost(Exception):
    pass


class Server:
    """MySQLdb's own connection, and what it was asked to send."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.down = False
        self.query(b"SET SESSION sql_mode='TRADITIONAL'")

    def _send(self, what: str) -> None:
        if self.down:
            raise Lost
        self.sent.append(what)

    def query(self, query: bytes | bytearray | str) -> None:
        self._send(query if isinstance(query, str) else query.decode())

    def next_result(self) -> int:
        self._send("more?")
        return -1

    def commit(self) -> None:
        self._send("COMMIT")

    def rollback(self) -> None:
        self._send("ROLLBACK")

    def ping(self) -> None:
        self._send("there?")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(database_connections.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def connection(clock: list[float]) -> Any:
    made = database_connections.connection(Server)()
    assert made.sent == ["SET SESSION sql_mode='TRADITIONAL'"]
    made.rollback()
    made.sent.clear()
    return made


def test_only_what_was_begun_is_ended(connection: Any) -> None:
    connection.rollback()
    connection.commit()
    assert connection.sent == []
    for end in (connection.commit, connection.rollback):
        connection.query(b"SELECT 1")
        end()
        connection.rollback()
    assert connection.sent == ["SELECT 1", "COMMIT", "SELECT 1", "ROLLBACK"]


def test_what_could_not_be_ended_is_ended_again(connection: Any) -> None:
    connection.query(b"UPDATE t SET a = 1")
    connection.down = True
    for end in (connection.commit, connection.rollback):
        with pytest.raises(Lost):
            end()
    connection.down = False
    connection.rollback()
    assert connection.sent == ["UPDATE t SET a = 1", "ROLLBACK"]


def test_a_statement_that_fails_may_have_begun_something(connection: Any) -> None:
    connection.down = True
    with pytest.raises(Lost):
        connection.query(b"INSERT INTO t VALUES (1)")
    connection.down = False
    connection.rollback()
    assert connection.sent == ["ROLLBACK"]


def test_a_server_that_answered_just_now_is_there(connection: Any, clock: list[float]) -> None:
    connection.down = True
    clock[0] += database_connections.HEARD_SECONDS
    connection.ping()
    clock[0] += 0.1
    with pytest.raises(Lost):
        connection.ping()
    connection.down = False
    connection.ping()
    connection.ping()
    assert connection.sent == ["there?"]


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        (b"SELECT 1", False),
        (b"SELECT \n a FROM t", False),
        (b"UPDATE t SET a = 1", False),
        (b"INSERT INTO t VALUES ('x')", False),
        (b"SAVEPOINT sa_savepoint_1", False),
        (b"RELEASE SAVEPOINT sa_savepoint_1", False),
        (b"DELETE FROM t", False),
        (bytearray(b"DELETE FROM t"), False),
        ("SHOW WARNINGS", True),
        (b"INSERT INTO t VALUES ('x;y')", True),
        (b"SELECT 1; SELECT 2", True),
        (b"CALL two_results()", True),
        (b"SHOW TABLES", True),
    ],
)
def test_more_results_are_looked_for_where_there_may_be_some(
    connection: Any, statement: bytes | bytearray | str, asked: bool
) -> None:
    connection.query(statement)
    assert connection.next_result() == -1
    assert ("more?" in connection.sent) is asked


def test_after_a_statement_that_failed_they_are_looked_for(connection: Any) -> None:
    connection.query(b"SELECT 1")
    connection.down = True
    with pytest.raises(Lost):
        connection.query(b"SELECT 1")
    connection.down = False
    assert connection.next_result() == -1
    assert connection.sent[-1] == "more?"


INSTALL = """
import sys
from types import ModuleType, SimpleNamespace
from sqlalchemy import create_engine
from onestack_runtime import database_connections

class Own:
    def __init__(self, **named):
        self.named = named
    def rollback(self):
        raise AssertionError("there is nothing to roll back")

for name in ("MySQLdb", "MySQLdb.connections", "oslo_db", "oslo_db.sqlalchemy"):
    sys.modules[name] = ModuleType(name)
sys.modules["MySQLdb"].connections = sys.modules["MySQLdb.connections"]
sys.modules["MySQLdb.connections"].Connection = Own
engines = sys.modules["oslo_db.sqlalchemy"].engines = SimpleNamespace(_thread_yield=None)
database_connections.install()
assert engines._thread_yield(None, None) is None
driver = SimpleNamespace(paramstyle="format", version_info=(2, 2), connect=None)
engine = create_engine("mysql+mysqldb://nova:x@localhost/nova", module=driver, _initialize=False)
ours = engine.raw_connection().dbapi_connection
assert isinstance(ours, Own) and hasattr(ours, "_pending"), type(ours)
ours._pending = False
assert ours.named["user"] == "nova"
other = create_engine("sqlite://").raw_connection().dbapi_connection
assert not isinstance(other, Own), type(other)
print("both as they should be")
"""


def test_sqlalchemy_takes_such_connections_for_mysqldb_and_no_others() -> None:
    told = subprocess.run(
        [sys.executable, "-c", INSTALL],
        env={**os.environ, "PYTHONPATH": str(Path(database_connections.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.stdout, told.returncode) == ("both as they should be\n", 0), told.stderr
