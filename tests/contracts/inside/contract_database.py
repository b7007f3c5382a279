"""MySQLdb's connections, to a MariaDB of the base's that is started for it."""

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


def test_upstream_is_what_it_was_written_against(entry_name: str, misfits: Any) -> None:
    assert misfits(entry_name) == ""


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
            with_upstream().close()
            break
        except MySQLdb.OperationalError:
            time.sleep(0.1)
    first = with_upstream()
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


def with_upstream(kind: Any = MySQLdb.connections.Connection) -> Any:
    return kind(unix_socket=SOCKET, user="root", charset="utf8")


class Counting(MySQLdb.connections.Connection):
    """Upstream's, which notes what it asks the server."""

    def __init__(self, **named: Any) -> None:
        self.asked: list[str] = []
        super().__init__(**named)

    def query(self, query: Any) -> None:
        self.asked.append("query")
        super().query(query)

    def next_result(self) -> int:
        self.asked.append("more?")
        return int(super().next_result())

    def commit(self) -> None:
        self.asked.append("commit")
        super().commit()

    def rollback(self) -> None:
        self.asked.append("rollback")
        super().rollback()

    def ping(self, *reconnect: bool) -> None:
        self.asked.append("ping")
        super().ping(*reconnect)


@pytest.fixture
def pair(mariadb: None) -> Iterator[tuple[Any, Any]]:
    """A connection of upstream's, and one of ours."""
    made = with_upstream(Counting), with_upstream(database.connection(Counting))
    cursor = made[0].cursor()
    cursor.execute("DELETE FROM trial.t")
    made[0].commit()
    for each in made:
        each.asked.clear()
    yield made
    for each in made:
        each.close()


def results(connection: Any, statement: str) -> Any:
    """All results of a statement, or its error."""
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        found = [(cursor.rowcount, cursor.fetchall())]
        while cursor.nextset():
            found.append((cursor.rowcount, cursor.fetchall()))
    except MySQLdb.Error as error:
        return type(error), error.args
    finally:
        cursor.close()
    return found


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
    theirs, ours = pair
    expected = results(theirs, statement)
    theirs.rollback()
    assert results(ours, statement) == expected
    ours.rollback()
    assert len(ours.asked) <= len(theirs.asked)


@pytest.mark.replaces("database-connections")
def test_what_is_kept_and_what_is_undone_is_the_same(pair: Any) -> None:
    seen = []
    for connection in pair:
        cursor = connection.cursor()
        cursor.execute("DELETE FROM trial.t")
        connection.commit()
        for number, end in enumerate((connection.commit, connection.rollback, connection.commit)):
            end()
            cursor.execute("INSERT INTO trial.t VALUES (%s, 'x')", (number,))
            end()
            connection.rollback()
            connection.commit()
        other = with_upstream()
        seen.append(results(other, "SELECT a FROM trial.t ORDER BY a"))
        other.close()
    assert seen[0] == seen[1]
    assert seen[0][0][1] == ((0,), (2,))
    theirs, ours = pair
    assert len(ours.asked) < len(theirs.asked)


@pytest.mark.replaces("database-connections")
def test_a_server_that_answered_just_now_is_not_asked_whether_it_is_there(pair: Any) -> None:
    _, ours = pair
    results(ours, "SELECT 1")
    ours.rollback()
    ours.asked.clear()
    ours.ping()
    assert ours.asked == []


@pytest.mark.replaces("database-connections")
def test_a_connection_that_was_ended_just_now_is_known_to_be_lost(pair: Any) -> None:
    killer = with_upstream()
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
def test_sqlalchemy_takes_another_for_one_that_was_lost_in_the_pool(mariadb: None, installed: Any) -> None:
    engine = create_engine(f"mysql+mysqldb://root@localhost/trial?unix_socket={SOCKET}", pool_pre_ping=True)
    ask = text("SELECT CONNECTION_ID()")
    with engine.connect() as connection:
        assert type(connection.connection.dbapi_connection).__qualname__.startswith("connection.<locals>")
        first = connection.scalar(ask)
    killer = with_upstream()
    results(killer, f"KILL {first}")
    deadline = time.monotonic() + 30
    while results(killer, f"SELECT 1 FROM information_schema.processlist WHERE id = {first}") != [(0, ())]:
        assert time.monotonic() < deadline
    killer.close()
    with engine.connect() as connection:
        assert connection.scalar(ask) != first
    engine.dispose()
    assert Path(SOCKET).exists()
