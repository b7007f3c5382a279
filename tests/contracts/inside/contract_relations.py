"""SQLAlchemy's loaders: the same objects, with no query of tables that are known to be empty."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Engine,
    ForeignKey,
    Integer,
    String,
    Table,
    create_engine,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Session, joinedload, lazyload, raiseload, relationship
from sqlalchemy.pool import StaticPool

from onestack_runtime.replacements import empty_tables, relations, source

ENTRIES = ("empty-tables", "seldom-filled-tables")


def test_upstream_is_what_it_was_written_against(entry_name: str, misfits: Any) -> None:
    assert misfits(entry_name) == ""


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


class Database:
    """SQLite in memory, and what was asked of it."""

    def __init__(self) -> None:
        self.models = models()
        self.engine = create_engine("sqlite://", poolclass=StaticPool)
        self.models.Base.metadata.create_all(self.engine)
        self.asked: list[str] = []
        event.listen(self.engine, "before_cursor_execute", self._heard)

    def _heard(self, connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        self.asked.append(statement)

    def learn(self) -> None:
        empty_tables.EMPTY.learn(self.engine, self.models.Base.metadata.tables.values())

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


@pytest.fixture
def watched() -> Iterator[None]:
    empty_tables.EMPTY.watch()
    yield
    event.remove(Engine, "before_cursor_execute", empty_tables.EMPTY._notice)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_and_goes_the_same_is_read(seed: int, watched: None) -> None:
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
def test_nothing_is_asked_of_empty_tables(installed: Any, watched: None) -> None:
    database = Database()
    models = database.models
    with Session(database.engine) as session, session.begin():
        session.add_all([models.Network(id=5), models.Port(id=1, network_id=5)])
    database.learn()
    assert database.ports() == [(1, 5, [], None, None, None, [], None)]
    assert [each for each in ("tags", "hints", "bound", "later", "networks") if database.asked_for(each)] == [
        "networks"
    ]


@pytest.mark.replaces("empty-tables")
def test_what_may_not_be_loaded_is_refused_as_before(both: Any, watched: None) -> None:
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


@pytest.mark.replaces("seldom-filled-tables")
def test_a_table_that_is_seldom_filled_is_read_apart(installed: Any, watched: None) -> None:
    database = Database()
    models = database.models
    with Session(database.engine) as session, session.begin():
        session.add_all([models.Port(id=1), models.Qos(port_id=1, policy="gold"), models.Port(id=2)])
    assert [port[4] for port in database.ports()] == ["gold", None]
    first = next(each for each in database.asked if "FROM ports" in each)
    assert "JOIN security" in first
    assert "qos" not in first
    explicit = database.ports(joinedload(models.Port.tags))
    assert [port[4] for port in explicit] == ["gold", None]
    strategy = inspect(models.Port).relationships["qos"].strategy
    assert type(strategy).__name__ == "SelectInLoader"
