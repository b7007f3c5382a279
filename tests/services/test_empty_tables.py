"""Rows related to others are loaded as ever, and not asked for where a table is known to be empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, ForeignKey, Integer, String, Table, create_engine, event, select, text
from sqlalchemy.orm import DeclarativeBase, Session, lazyload, relationship
from sqlalchemy.pool import StaticPool

from onestack_runtime import empty_tables

# Before the models below, as in the runner.
empty_tables.unjoin("qos")


class Base(DeclarativeBase):
    pass


class Network(Base):
    __tablename__ = "networks"
    id = Column(Integer, primary_key=True)


BOUND = Table(
    "bound",
    Base.metadata,
    Column("port", ForeignKey("ports.id"), primary_key=True),
    Column("agent", ForeignKey("agents.id"), primary_key=True),
)


class Agent(Base):
    __tablename__ = "agents"
    id = Column(Integer, primary_key=True)


class Port(Base):
    __tablename__ = "ports"
    id = Column(Integer, primary_key=True)
    network_id = Column(ForeignKey("networks.id"))
    network = relationship(Network, lazy="selectin")
    tags = relationship("Tag", lazy="selectin", order_by="Tag.id", cascade="all, delete-orphan")
    hint = relationship("Hint", lazy="subquery", uselist=False)
    qos = relationship("Qos", lazy="joined", uselist=False, cascade="all, delete-orphan")
    security = relationship("Security", lazy="joined", uselist=False)
    agents = relationship(Agent, secondary=BOUND, lazy="selectin", order_by=Agent.id)


class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
    port_id = Column(ForeignKey("ports.id"))
    name = Column(String)


class Hint(Base):
    __tablename__ = "hints"
    port_id = Column(ForeignKey("ports.id"), primary_key=True)
    name = Column(String)


class Qos(Base):
    __tablename__ = "qos"
    port_id = Column(ForeignKey("ports.id"), primary_key=True)
    policy = Column(String)


class Security(Base):
    __tablename__ = "security"
    port_id = Column(ForeignKey("ports.id"), primary_key=True)


TABLES = list(Base.metadata.tables.values())


class Database:
    """SQLite in memory, and what was asked of it."""

    def __init__(self) -> None:
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        Base.metadata.create_all(self.engine)
        self.asked: list[str] = []
        event.listen(self.engine, "before_cursor_execute", self._heard)
        self.empty = empty_tables.EmptyTables()

    def _heard(self, connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        self.asked.append(statement)

    def ports(self) -> list[tuple[Any, ...]]:
        """Every port with what belongs to it, read after the session has ended."""
        self.asked.clear()
        with Session(self.engine) as session:
            ports = list(session.scalars(select(Port).order_by(Port.id)))
        return [
            (
                port.id,
                port.network and port.network.id,
                [tag.name for tag in port.tags],
                port.hint and port.hint.name,
                port.qos and port.qos.policy,
                [agent.id for agent in port.agents],
            )
            for port in ports
        ]

    def asked_for(self, table: str) -> bool:
        return any(f"FROM {table}" in each or f"JOIN {table} " in each for each in self.asked)

    def add(self, *rows: Base) -> None:
        with Session(self.engine) as session, session.begin():
            session.add_all(rows)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    made = Database()
    monkeypatch.setattr(empty_tables, "EMPTY", made.empty)
    made.empty.watch()
    yield made
    event.remove(Engine, "before_cursor_execute", made.empty._notice)


def test_nothing_is_asked_of_empty_tables(database: Database) -> None:
    database.add(Network(id=5), Port(id=1, network_id=5))
    database.empty.learn(database.engine, TABLES)
    assert database.ports() == [(1, 5, [], None, None, [])]
    assert [
        table for table in ("tags", "hints", "bound", "qos", "networks") if database.asked_for(table)
    ] == ["networks"]


def test_what_is_joined_elsewhere_is_read_apart_from_a_table_that_is_seldom_filled(
    database: Database,
) -> None:
    database.add(Port(id=1), Qos(port_id=1, policy="gold"), Port(id=2), Security(port_id=2))
    database.empty.learn(database.engine, TABLES)
    assert [port[-2] for port in database.ports()] == ["gold", None]
    (first,) = (each for each in database.asked if "FROM ports" in each)
    assert "JOIN security " in first
    assert "qos" not in first
    with Session(database.engine) as session, session.begin():
        session.get_one(Port, 1).qos = None
    assert [port[-2] for port in database.ports()] == [None, None]


def test_before_it_was_learnt_everything_is_asked(database: Database) -> None:
    database.add(Port(id=1))
    assert database.ports() == [(1, None, [], None, None, [])]
    assert database.asked_for("tags")


@pytest.mark.parametrize(
    "insertion",
    [
        "INSERT INTO tags (id, port_id, name) VALUES (1, 1, 'new')",
        "insert into main.tags (id, port_id, name) select 1, 1, 'new'",
        "REPLACE INTO \"tags\" (id, port_id, name) VALUES (1, 1, 'new')",
        "/* by hand */ INSERT INTO tags (id, port_id, name) VALUES (1, 1, 'new')",
        "WITH one AS (SELECT 1 AS id) INSERT INTO tags (id, port_id, name) SELECT id, id, 'new' FROM one",
    ],
)
def test_a_table_that_was_inserted_into_is_asked(database: Database, insertion: str) -> None:
    database.add(Port(id=1))
    database.empty.learn(database.engine, TABLES)
    assert database.ports() == [(1, None, [], None, None, [])]
    with database.engine.begin() as connection:
        connection.execute(text(insertion))
    assert database.ports() == [(1, None, ["new"], None, None, [])]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT replace(name, 'a', 'b') FROM tags",
        "UPDATE ports SET network_id = NULL",
        "DELETE FROM hints",
        "PRAGMA schema_version",
    ],
)
def test_what_inserts_nothing_changes_nothing(database: Database, statement: str) -> None:
    database.empty.learn(database.engine, TABLES)
    with database.engine.begin() as connection:
        connection.execute(text(statement))
    assert all(table.name in database.empty for table in TABLES)


def test_what_was_inserted_while_it_was_learnt_is_not_forgotten(database: Database) -> None:
    database.add(Port(id=1))

    def meanwhile(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if "EXISTS" in statement and not inserted:
            inserted.append(True)
            database.empty._notice(connection, cursor, "INSERT INTO tags (id) VALUES (1)")

    inserted: list[bool] = []
    event.listen(database.engine, "after_cursor_execute", meanwhile)
    database.empty.learn(database.engine, TABLES)
    assert inserted
    assert "tags" not in database.empty
    assert "hints" in database.empty


def test_a_collection_that_was_not_asked_for_takes_new_members(database: Database) -> None:
    database.add(Port(id=1))
    database.empty.learn(database.engine, TABLES)
    with Session(database.engine) as session, session.begin():
        port = session.get_one(Port, 1)
        port.tags.append(Tag(id=1, name="first"))
        port.hint = Hint(name="late")
    assert database.ports() == [(1, None, ["first"], "late", None, [])]
    with Session(database.engine) as session, session.begin():
        port = session.get_one(Port, 1)
        port.tags.clear()
    assert database.ports() == [(1, None, [], "late", None, [])]


def test_an_object_that_is_refreshed_sees_what_is_there(database: Database) -> None:
    database.add(Port(id=1))
    database.empty.learn(database.engine, TABLES)
    with Session(database.engine) as session:
        port = session.get_one(Port, 1)
        assert port.tags == []
        session.add(Tag(id=1, port_id=1, name="first"))
        session.flush()
        session.refresh(port)
        assert [tag.name for tag in port.tags] == ["first"]


def test_a_query_that_wants_nothing_related_leaves_it_open(database: Database) -> None:
    """Neutron locks rows so; what is related is loaded when it is first used."""
    database.add(Port(id=1))
    database.empty.learn(database.engine, TABLES)
    with Session(database.engine) as session:
        port = session.query(Port).enable_eagerloads(False).one()
        session.add(Tag(id=1, port_id=1, name="first"))
        session.flush()
        assert [tag.name for tag in port.tags] == ["first"]


def test_a_relation_that_is_loaded_when_first_used_asks_nothing_of_an_empty_table(database: Database) -> None:
    """As Neutron does with all relations of a new object, at its commit."""
    database.add(Network(id=5))
    database.empty.learn(database.engine, TABLES)
    with Session(database.engine) as session:
        port = Port(id=1, network_id=5)
        session.add(port)
        session.flush()
        session.expire(port)
        database.asked.clear()
        assert (port.tags, port.hint, port.qos, port.agents) == ([], None, None, [])
        assert port.network.id == 5
    assert database.asked_for("networks")
    assert not any(database.asked_for(table) for table in ("tags", "hints", "qos", "bound"))


@pytest.mark.parametrize("autoflush", [True, False])
def test_a_relation_finds_what_is_not_written_yet_as_ever(database: Database, autoflush: bool) -> None:
    database.add(Port(id=1))
    database.empty.learn(database.engine, TABLES)
    with Session(database.engine, autoflush=autoflush) as session:
        port = session.get_one(Port, 1, options=[lazyload(Port.tags), lazyload(Port.hint)])
        session.add_all([Tag(id=1, port_id=1, name="first"), Hint(port_id=1, name="late")])
        assert [tag.name for tag in port.tags] == (["first"] if autoflush else [])
        assert (port.hint is not None) == autoflush


def test_tables_that_others_filled_are_found(database: Database) -> None:
    database.add(Port(id=1))
    database.empty.learn(database.engine, TABLES)
    # Past SQLAlchemy, as another process would.
    raw = database.engine.raw_connection()
    raw.cursor().execute("INSERT INTO tags (id, port_id, name) VALUES (1, 1, 'theirs')")
    raw.commit()
    looks = iter([False, False, True])
    empty_tables.keep(database.engine, TABLES, lambda seconds: next(looks))
    assert database.ports() == [(1, None, ["theirs"], None, None, [])]
    assert "hints" in database.empty


def test_a_database_that_is_away_ends_no_look(database: Database) -> None:
    database.add(Port(id=1))
    database.empty.learn(database.engine, TABLES)
    Base.metadata.drop_all(database.engine)
    looks = iter([False, True])
    empty_tables.keep(database.engine, TABLES, lambda seconds: next(looks))
    assert "tags" in database.empty


ROWS = st.one_of(
    st.builds(lambda id: Network(id=id), st.integers(1, 3)),
    st.builds(lambda id, n: Port(id=id, network_id=n), st.integers(1, 3), st.sampled_from([None, 1, 2, 3])),
    st.builds(lambda port, name: Tag(port_id=port, name=name), st.integers(1, 3), st.sampled_from("abc")),
    st.builds(lambda port: Hint(port_id=port, name="hint"), st.integers(1, 3)),
    st.builds(lambda id: Agent(id=id), st.integers(1, 2)),
    st.builds(lambda port: Qos(port_id=port, policy="gold"), st.integers(1, 3)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(ROWS, max_size=4), min_size=1, max_size=5), st.integers(0, 4))
def test_whatever_is_inserted_is_read(
    monkeypatch: pytest.MonkeyPatch, steps: list[list[Base]], learns: int
) -> None:
    database = Database()
    with monkeypatch.context() as patched:
        patched.setattr(empty_tables, "EMPTY", database.empty)
        database.empty.watch()
        try:
            for number, rows in enumerate(steps):
                if number == learns:
                    database.empty.learn(database.engine, TABLES)
                with Session(database.engine) as session, session.begin():
                    for row in rows:
                        session.merge(row)
                quick = database.ports()
                patched.setattr(empty_tables, "EMPTY", empty_tables.EmptyTables())
                assert database.ports() == quick
                patched.setattr(empty_tables, "EMPTY", database.empty)
        finally:
            event.remove(Engine, "before_cursor_execute", database.empty._notice)
