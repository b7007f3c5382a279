"""SQLAlchemy's loaders: the same objects, with no query of tables that are empty."""

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
    """Models made anew: how related rows are loaded is decided when models are first used."""

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
    """SQLite, in memory by default, and what was asked of it."""

    def __init__(self, url: str = "sqlite://", **how: Any) -> None:
        self.models = models()
        self.engine = create_engine(url, **(how or ({"poolclass": StaticPool} if url == "sqlite://" else {})))
        if url != "sqlite://":
            # As InnoDB: who has begun to read sees that state, and others may write meanwhile.
            event.listen(self.engine, "connect", _as_innodb)
            event.listen(self.engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        self.models.Base.metadata.create_all(self.engine)
        self.asked: list[str] = []
        event.listen(self.engine, "before_cursor_execute", self._heard)

    def _heard(self, connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        self.asked.append(statement)

    def learn(self) -> None:
        empty_tables.EMPTY.learn(self.engine, empty_tables.related(self.models.Base))

    def asked_for(self, table: str) -> bool:
        return any(f"FROM {table}" in each or f"JOIN {table} " in each for each in self.asked)

    def ports(self, *options: Any) -> list[Any]:
        """Every port with what belongs to it."""
        self.asked.clear()
        with Session(self.engine) as session:
            query = select(self.models.Port).order_by(self.models.Port.id).options(*options)
            found = list(session.scalars(query).unique())
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
                for port in found
            ]


def life(database: Database, seed: int) -> list[Any]:
    """What is read while things come, change and go."""
    chance, models = random.Random(seed), database.models
    seen: list[Any] = []
    for number in range(14):
        with Session(database.engine) as session, session.begin():
            ports = list(session.scalars(select(models.Port)))
            port = chance.choice(ports) if ports else None
            act = chance.choice(
                ("port", "tag", "hint", "qos", "no qos", "agent", "network", "later", "untag", "raw")
            )
            if act == "port" or port is None:
                session.add(models.Port(id=number + 1))
            elif act == "tag":
                port.tags.append(models.Tag(name=f"tag {number}"))
            elif act == "hint":
                port.hint = models.Hint(name=f"hint {number}") if port.hint is None else port.hint
            elif act == "qos":
                port.qos = port.qos or models.Qos(policy=f"gold {number}")
            elif act == "no qos":
                port.qos = None
            elif act == "agent":
                port.agents.append(models.Agent(id=number + 1))
            elif act == "network":
                port.network = models.Network(id=number + 1)
            elif act == "later":
                port.later = port.later or models.Later(name=f"later {number}")
            elif act == "untag":
                port.tags.clear()
            else:
                session.execute(text(f"INSERT INTO tags (port_id, name) VALUES ({port.id}, 'raw {number}')"))
                session.expire_all()
            session.flush()
            seen.append([(each.id, len(each.tags), each.qos is None, each.later is None) for each in ports])
        seen.append(database.ports())
        seen.append(database.ports(lazyload("*")))
    return seen


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_and_goes_the_same_is_read(seed: int) -> None:
    expected = life(Database(), seed)
    with pytest.MonkeyPatch.context() as patch:
        replaced(patch, *relations.ENTRIES)
        mine = Database()
        mine.learn()
        assert life(mine, seed) == expected


def replaced(patch: pytest.MonkeyPatch, *entries: Any) -> None:
    for entry in entries:
        values = entry.build(*map(source.value, entry.targets))
        for target, value in zip(entry.targets, values, strict=True):
            owner, name = source.place(target)
            patch.setattr(owner, name, value)


@pytest.mark.replaces("empty-tables")
def test_nothing_is_asked_of_empty_tables(installed: Any) -> None:
    database = Database()
    models = database.models
    with Session(database.engine) as session, session.begin():
        session.add_all([models.Network(id=5), models.Port(id=1, network_id=5)])
    database.learn()
    assert database.ports() == [(1, 5, [], None, None, None, [], None)]
    assert [each for each in ("tags", "hints", "bound", "later", "networks") if database.asked_for(each)] == [
        "networks"
    ]
    assert sum("EXISTS" in each for each in database.asked) == 1


def beside(path: Path) -> list[Any]:
    """What transactions see while another program inserts, in a database that shows each a state of its own."""
    database = Database(f"sqlite:///{path}")
    models = database.models

    def other(statement: str) -> None:
        with closing(sqlite3.connect(path)) as hand, hand:
            hand.execute(statement)

    def read(session: Session) -> Any:
        session.expire_all()
        port = session.scalars(select(models.Port)).unique().one()
        return [tag.name for tag in port.tags], port.later and port.later.name

    other("INSERT INTO ports (id) VALUES (1)")
    database.learn()
    seen = []
    for number in range(3):
        with Session(database.engine) as session:
            seen.append(read(session))
            other(f"INSERT INTO tags (port_id, name) VALUES (1, 'by hand {number}')")
            seen.append(read(session))
        with Session(database.engine) as session:
            seen.append(read(session))
            if number == 1:
                other("INSERT INTO later (port_id, name) VALUES (1, 'by hand')")
            seen.append(read(session))
    other("DELETE FROM tags")
    with Session(database.engine) as session:
        seen.append(read(session))
    return seen


@pytest.mark.replaces("empty-tables")
def test_what_others_insert_is_seen_when_upstream_sees_it(tmp_path: Path) -> None:
    theirs = beside(tmp_path / "theirs")
    with pytest.MonkeyPatch.context() as patch:
        replaced(patch, *relations.ENTRIES)
        assert beside(tmp_path / "ours") == theirs
    assert theirs[:3] == [([], None), ([], None), (["by hand 0"], None)]
    assert theirs[-1] == ([], "by hand")


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ("SELECT 1", {"tags", "hints"}),
        ("DELETE FROM tags", {"tags", "hints"}),
        ("INSERT INTO tags (name) VALUES ('a')", {"hints"}),
        ("insert or ignore into tags (name) values ('a')", set()),
        # InnoDB updates what others inserted meanwhile, and shows it from then on.
        ("UPDATE tags SET name = 'b'", {"hints"}),
        ("UPDATE tags AS t SET name = 'b'", set()),
        ("WITH a AS (SELECT 1) INSERT INTO tags (name) SELECT 'a' FROM a", set()),
    ],
)
def test_where_a_transaction_writes_it_may_see_rows(statement: str, left: set[str]) -> None:
    database = Database()
    database.learn()
    with Session(database.engine) as session:
        assert empty_tables.EMPTY.are_empty(session, ("tags", "hints"))
        session.execute(text(statement))
        assert {name for name in ("tags", "hints") if empty_tables.EMPTY.are_empty(session, (name,))} == left


@pytest.mark.replaces("empty-tables")
def test_where_a_transaction_sees_what_others_do_meanwhile_nothing_counts_as_empty(
    tmp_path: Path, installed: Any
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'some'}", isolation_level="READ UNCOMMITTED")
    database.learn()
    with Session(database.engine) as session:
        session.connection()
        assert not empty_tables.EMPTY.are_empty(session, ("tags",))


@pytest.mark.replaces("empty-tables")
def test_what_may_not_be_loaded_is_refused_as_before(both: Any) -> None:
    for replacing in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            if replacing:
                replaced(patch, relations.ENTRIES[0])
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
