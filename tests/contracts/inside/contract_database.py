"""MySQLdb's connections, on a MariaDB server of the base that is started for these tests."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import MySQLdb
import MySQLdb.connections
import pytest
from sqlalchemy import create_engine, text

from onestack_runtime.replacements import database

ENTRIES = ("database-connections",)
SOCKET = "/tmp/mariadb.sock"


def test_upstream_source_is_unchanged(entry_name: str, source_changes: Any) -> None:
    assert source_changes(entry_name) == ""


@pytest.fixture(scope="module")
def mariadb() -> Iterator[None]:
    data = "/tmp/mariadb"
    subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            "--user=root",
            "--skip-test-db",
            "--auth-root-authentication-method=normal",
        ],
        check=True,
        capture_output=True,
    )
    server = subprocess.Popen(
        [
            "mariadbd",
            "--no-defaults",
            f"--datadir={data}",
            "--user=root",
            f"--socket={SOCKET}",
            "--skip-networking",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            connect().close()
            break
        except MySQLdb.OperationalError:
            time.sleep(0.1)
    first = connect()
    cursor = first.cursor()
    for statement in (
        "CREATE DATABASE trial",
        "CREATE TABLE trial.t (a INT PRIMARY KEY, b TEXT) ENGINE=InnoDB",
        "CREATE PROCEDURE trial.two() BEGIN SELECT 1; SELECT 2; END",
    ):
        cursor.execute(statement)
    yield
    server.kill()
    server.wait()


def connect(connection_class: Any = MySQLdb.connections.Connection) -> Any:
    return connection_class(unix_socket=SOCKET, user="root", charset="utf8")


class RecordingConnection(MySQLdb.connections.Connection):
    """Upstream's connection, which also records the requests to the server."""

    def __init__(self, **options: Any) -> None:
        self.requests: list[str] = []
        super().__init__(**options)

    def query(self, query: Any) -> None:
        self.requests.append("query")
        super().query(query)

    def next_result(self) -> int:
        self.requests.append("next_result")
        return int(super().next_result())

    def commit(self) -> None:
        self.requests.append("commit")
        super().commit()

    def rollback(self) -> None:
        self.requests.append("rollback")
        super().rollback()

    def ping(self, *reconnect: bool) -> None:
        self.requests.append("ping")
        super().ping(*reconnect)


@pytest.fixture
def pair(mariadb: None) -> Iterator[tuple[Any, Any]]:
    """A connection of upstream's class and one of ours."""
    connections = connect(RecordingConnection), connect(database.connection(RecordingConnection))
    cursor = connections[0].cursor()
    cursor.execute("DELETE FROM trial.t")
    connections[0].commit()
    for connection in connections:
        connection.requests.clear()
    yield connections
    for connection in connections:
        connection.close()


def results(connection: Any, statement: str) -> Any:
    """Row count and rows of each result set of a statement, or its error."""
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        result_sets = [(cursor.rowcount, cursor.fetchall())]
        while cursor.nextset():
            result_sets.append((cursor.rowcount, cursor.fetchall()))
    except MySQLdb.Error as error:
        return type(error), error.args
    finally:
        cursor.close()
    return result_sets


@pytest.mark.replaces("database-connections")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT ';'",
        "select 1",
        "CALL trial.two()",
        "INSERT INTO trial.t VALUES (1, 'x')",
        "INSERT INTO trial.t VALUES (1, 'a;b'), (2, 'c')",
        "INSERT INTO trial.t VALUES (1, 'x') RETURNING a",
        "UPDATE trial.t SET b = 'y'",
        "DELETE FROM trial.t",
        "SELECT nothing",
        "SELEC 1",
        "SHOW DATABASES LIKE 'trial'",
        "SAVEPOINT a",
    ],
)
def test_a_statement_has_the_same_results(statement: str, pair: Any) -> None:
    upstream, ours = pair
    expected = results(upstream, statement)
    upstream.rollback()
    assert results(ours, statement) == expected
    ours.rollback()
    assert len(ours.requests) <= len(upstream.requests)


@pytest.mark.replaces("database-connections")
def test_commit_and_rollback_have_the_same_effect(pair: Any) -> None:
    committed = []
    for connection in pair:
        cursor = connection.cursor()
        cursor.execute("DELETE FROM trial.t")
        connection.commit()
        for number, end_transaction in enumerate((connection.commit, connection.rollback, connection.commit)):
            end_transaction()
            cursor.execute("INSERT INTO trial.t VALUES (%s, 'x')", (number,))
            end_transaction()
            connection.rollback()
            connection.commit()
        other = connect()
        committed.append(results(other, "SELECT a FROM trial.t ORDER BY a"))
        other.close()
    assert committed[0] == committed[1]
    assert committed[0][0][1] == ((0,), (2,))
    upstream, ours = pair
    assert len(ours.requests) < len(upstream.requests)


@pytest.mark.replaces("database-connections")
def test_ping_sends_no_request_shortly_after_a_query(pair: Any) -> None:
    _, ours = pair
    results(ours, "SELECT 1")
    ours.rollback()
    ours.requests.clear()
    ours.ping()
    assert ours.requests == []


@pytest.mark.replaces("database-connections")
def test_ping_detects_a_connection_that_was_just_killed(pair: Any) -> None:
    killer = connect()
    for connection in pair:
        results(connection, "SELECT 1")
        connection.rollback()
        results(killer, f"KILL {connection.thread_id()}")
        deadline = time.monotonic() + 30
        while results(
            killer, f"SELECT 1 FROM information_schema.processlist WHERE id = {connection.thread_id()}"
        ) != [(0, ())]:
            assert time.monotonic() < deadline
        with pytest.raises(MySQLdb.OperationalError):
            connection.ping()
    killer.close()


@pytest.mark.replaces("database-connections")
def test_sqlalchemy_replaces_a_lost_connection_in_its_pool(mariadb: None, installed: Any) -> None:
    engine = create_engine(f"mysql+mysqldb://root@localhost/trial?unix_socket={SOCKET}", pool_pre_ping=True)
    query = text("SELECT CONNECTION_ID()")
    with engine.connect() as connection:
        assert type(connection.connection.dbapi_connection).__qualname__.startswith("connection.<locals>")
        first = connection.scalar(query)
    killer = connect()
    results(killer, f"KILL {first}")
    deadline = time.monotonic() + 30
    while results(killer, f"SELECT 1 FROM information_schema.processlist WHERE id = {first}") != [(0, ())]:
        assert time.monotonic() < deadline
    killer.close()
    with engine.connect() as connection:
        assert connection.scalar(query) != first
    engine.dispose()
    assert Path(SOCKET).exists()
