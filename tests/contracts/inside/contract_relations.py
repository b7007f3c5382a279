"""SQLAlchemy's loaders of relationships: the same objects, without queries of empty tables."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    create_engine,
    event,
    select,
    text,
)
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Session, lazyload, raiseload, relationship
from sqlalchemy.pool import StaticPool

from onestack_runtime.replacements import empty_tables, relations, source

ENTRIES = ("empty-tables",)


def test_upstream_source_is_unchanged(entry_name: str, source_changes: Any) -> None:
    assert source_changes(entry_name) == ""


def models() -> Any:
    """New model classes, since SQLAlchemy chooses a relationship's loader when its model is first used."""

    class Base(DeclarativeBase):
        pass

    bound = Table(
        "bound",
        Base.metadata,
        Column("port", ForeignKey("ports.id"), primary_key=True),
        Column("agent", ForeignKey("agents.id"), primary_key=True),
    )

    class Network(Base):
        __tablename__ = "networks"
        id = Column(Integer, primary_key=True)

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
        agents = relationship(Agent, secondary=bound, lazy="selectin", order_by=Agent.id)
        later = relationship("Later", uselist=False)

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
        __tablename__ = "qos_port_policy_bindings"
        port_id = Column(ForeignKey("ports.id"), primary_key=True)
        policy = Column(String)

    class Security(Base):
        __tablename__ = "security"
        port_id = Column(ForeignKey("ports.id"), primary_key=True)

    class Later(Base):
        __tablename__ = "later"
        port_id = Column(ForeignKey("ports.id"), primary_key=True)
        name = Column(String)

    return type(
        "Models",
        (),
        {each.__name__: each for each in (Base, Network, Agent, Port, Tag, Hint, Qos, Security, Later)},
    )


def _as_innodb(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")


class Database:
    """SQLite, in memory by default, with a record of the statements that it received."""

    def __init__(self, url: str = "sqlite://", **options: Any) -> None:
        self.models = models()
        self.engine = create_engine(
            url, **(options or ({"poolclass": StaticPool} if url == "sqlite://" else {}))
        )
        if url != "sqlite://":
            # As in InnoDB: a transaction reads a snapshot, and others may write meanwhile.
            event.listen(self.engine, "connect", _as_innodb)
            event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        self.models.Base.metadata.create_all(self.engine)
        self.statements: list[str] = []
        event.listen(self.engine, "before_cursor_execute", self._record)

    def _record(self, connection: Any, cursor: Any, statement: str, *args: Any) -> None:
        self.statements.append(statement)

    def learn(self) -> None:
        empty_tables.EMPTY.learn(self.engine, empty_tables.related(self.models.Base))

    def queried(self, table: str) -> bool:
        return any(f"FROM {table}" in each or f"JOIN {table} " in each for each in self.statements)

    def ports(self, *options: Any) -> list[Any]:
        """All ports with their related rows."""
        self.statements.clear()
        with Session(self.engine) as session:
            query = select(self.models.Port).order_by(self.models.Port.id).options(*options)
            ports = list(session.scalars(query).unique())
            return [
                (
                    port.id,
                    port.network and port.network.id,
                    [tag.name for tag in port.tags],
                    port.hint and port.hint.name,
                    port.qos and port.qos.policy,
                    port.security and port.security.port_id,
                    [agent.id for agent in port.agents],
                    port.later and port.later.name,
                )
                for port in ports
            ]


def reads_after_random_changes(database: Database, seed: int) -> list[Any]:
    """The ports as read after each of a series of inserts, updates and deletions."""
    rng, models = random.Random(seed), database.models
    reads: list[Any] = []
    for number in range(14):
        with Session(database.engine) as session, session.begin():
            ports = list(session.scalars(select(models.Port)))
            port = rng.choice(ports) if ports else None
            change = rng.choice(
                ("port", "tag", "hint", "qos", "no qos", "agent", "network", "later", "untag", "raw")
            )
            if change == "port" or port is None:
                session.add(models.Port(id=number + 1))
            elif change == "tag":
                port.tags.append(models.Tag(name=f"tag {number}"))
            elif change == "hint":
                port.hint = models.Hint(name=f"hint {number}") if port.hint is None else port.hint
            elif change == "qos":
                port.qos = port.qos or models.Qos(policy=f"gold {number}")
            elif change == "no qos":
                port.qos = None
            elif change == "agent":
                port.agents.append(models.Agent(id=number + 1))
            elif change == "network":
                port.network = models.Network(id=number + 1)
            elif change == "later":
                port.later = port.later or models.Later(name=f"later {number}")
            elif change == "untag":
                port.tags.clear()
            else:
                session.execute(text(f"INSERT INTO tags (port_id, name) VALUES ({port.id}, 'raw {number}')"))
                session.expire_all()
            session.flush()
            reads.append([(each.id, len(each.tags), each.qos is None, each.later is None) for each in ports])
        reads.append(database.ports())
        reads.append(database.ports(lazyload("*")))
    return reads


@pytest.mark.parametrize("seed", range(6))
def test_the_same_is_read_after_random_changes(seed: int) -> None:
    expected = reads_after_random_changes(Database(), seed)
    with pytest.MonkeyPatch.context() as patch:
        install(patch, *relations.ENTRIES)
        database = Database()
        database.learn()
        assert reads_after_random_changes(database, seed) == expected


def install(patch: pytest.MonkeyPatch, *entries: Any) -> None:
    """Installs the replacements of these entries until `patch` is undone."""
    for entry in entries:
        values = entry.build(*map(source.value, entry.targets))
        for target, value in zip(entry.targets, values, strict=True):
            owner, name = source.place(target)
            patch.setattr(owner, name, value)


@pytest.mark.replaces("empty-tables")
def test_empty_tables_are_not_queried(installed: Any) -> None:
    database = Database()
    models = database.models
    with Session(database.engine) as session, session.begin():
        session.add_all([models.Network(id=5), models.Port(id=1, network_id=5)])
    database.learn()
    assert database.ports() == [(1, 5, [], None, None, None, [], None)]
    assert [each for each in ("tags", "hints", "bound", "later", "networks") if database.queried(each)] == [
        "networks"
    ]
    assert sum("EXISTS" in each for each in database.statements) == 1


def reads_beside_another_writer(path: Path) -> list[Any]:
    """What transactions read while another connection writes; each transaction has its own snapshot."""
    database = Database(f"sqlite:///{path}")
    models = database.models

    def write(statement: str) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)

    def read(session: Session) -> Any:
        session.expire_all()
        port = session.scalars(select(models.Port)).unique().one()
        return [tag.name for tag in port.tags], port.later and port.later.name

    write("INSERT INTO ports (id) VALUES (1)")
    database.learn()
    reads = []
    for number in range(3):
        with Session(database.engine) as session:
            reads.append(read(session))
            write(f"INSERT INTO tags (port_id, name) VALUES (1, 'other writer {number}')")
            reads.append(read(session))
        with Session(database.engine) as session:
            reads.append(read(session))
            if number == 1:
                write("INSERT INTO later (port_id, name) VALUES (1, 'other writer')")
            reads.append(read(session))
    write("DELETE FROM tags")
    with Session(database.engine) as session:
        reads.append(read(session))
    return reads


@pytest.mark.replaces("empty-tables")
def test_rows_of_other_writers_are_read_when_upstream_reads_them(tmp_path: Path) -> None:
    upstream = reads_beside_another_writer(tmp_path / "upstream")
    with pytest.MonkeyPatch.context() as patch:
        install(patch, *relations.ENTRIES)
        assert reads_beside_another_writer(tmp_path / "ours") == upstream
    assert upstream[:3] == [([], None), ([], None), (["other writer 0"], None)]
    assert upstream[-1] == ([], "other writer")


@pytest.mark.parametrize(
    ("statement", "still_empty"),
    [
        ("SELECT 1", {"tags", "hints"}),
        ("DELETE FROM tags", {"tags", "hints"}),
        ("INSERT INTO tags (name) VALUES ('a')", {"hints"}),
        ("insert or ignore into tags (name) values ('a')", set()),
        # InnoDB also updates rows that others inserted meanwhile, and the transaction reads them from then on.
        ("UPDATE tags SET name = 'b'", {"hints"}),
        ("UPDATE tags AS t SET name = 'b'", set()),
        ("WITH a AS (SELECT 1) INSERT INTO tags (name) SELECT 'a' FROM a", set()),
    ],
)
def test_a_table_that_the_transaction_writes_to_no_longer_counts_as_empty(
    statement: str, still_empty: set[str]
) -> None:
    database = Database()
    database.learn()
    with Session(database.engine) as session:
        assert empty_tables.EMPTY.are_empty(session, ("tags", "hints"))
        session.execute(text(statement))
        assert {
            name for name in ("tags", "hints") if empty_tables.EMPTY.are_empty(session, (name,))
        } == still_empty


@pytest.mark.replaces("empty-tables")
def test_no_table_counts_as_empty_without_repeatable_reads(tmp_path: Path, installed: Any) -> None:
    database = Database(f"sqlite:///{tmp_path / 'some'}", isolation_level="READ UNCOMMITTED")
    database.learn()
    with Session(database.engine) as session:
        session.connection()
        assert not empty_tables.EMPTY.are_empty(session, ("tags",))


@pytest.mark.replaces("empty-tables")
def test_raiseload_raises_as_upstream(both: Any) -> None:
    for replaced in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            if replaced:
                install(patch, relations.ENTRIES[0])
            database = Database()
            models = database.models
            with Session(database.engine) as session, session.begin():
                session.add(models.Port(id=1))
            database.learn()
            for sql_only in (True, False):
                with Session(database.engine) as session:
                    option = raiseload(models.Port.later, sql_only=sql_only)
                    port = session.scalars(select(models.Port).options(option)).one()
                    with pytest.raises(InvalidRequestError, match="is not available due to lazy"):
                        assert port.later
