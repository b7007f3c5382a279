"""Neutron asks for one column where it needs one, and gets the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Integer, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from onestack_runtime import neutron_questions


class Base(DeclarativeBase):
    pass


class Port(Base):
    __tablename__ = "ports"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    standard_attr_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String, default="")


class NotFound(Exception):
    def __init__(self, resource_uuid: str) -> None:
        super().__init__(resource_uuid)


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session


def test_a_revision_needs_one_number_of_a_port(session: Session) -> None:
    revisions = SimpleNamespace(STD_ATTR_MAP={"ports": Port}, StandardAttributeIDNotFound=NotFound)
    neutron_questions.of_revisions(revisions)
    asked: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda c, cursor, sql, *more: asked.append(sql))
    session.add(Port(id="a", standard_attr_id=7))  # not yet written down
    context = SimpleNamespace(session=session)
    assert revisions._get_standard_attr_id(context, "a", "ports") == 7
    assert "standard_attr_id" in asked[-1] and "name" not in asked[-1]
    with pytest.raises(NotFound, match="b"):
        revisions._get_standard_attr_id(context, "b", "ports")


class Object:
    """One of Neutron's objects: its columns, by what is known."""

    def __init__(self, **rows: dict[str, Any]) -> None:
        self._rows = rows

    def get_values(self, context: Any, field: str, **known: str) -> list[Any]:
        assert context == "anyone"
        (value,) = known.values()
        return [self._rows[value][field]] if value in self._rows else []


def test_the_default_group_of_a_project_is_asked_for_by_its_id() -> None:
    class Plugin:
        _get_default_sg_id: Any

    neutron_questions.of_default_groups(Plugin, Object(acme={"security_group_id": "default"}))
    context = SimpleNamespace(elevated=lambda: "anyone")
    assert Plugin()._get_default_sg_id(context, "acme") == "default"
    assert Plugin()._get_default_sg_id(context, "umbrella") is None


@pytest.mark.parametrize(
    ("subnets", "answer"),
    [(["routed", "plain"], (2, "segment")), (["plain"], (0, None)), (["gone"], (0, None)), ([], (0, None))],
)
def test_the_segment_of_a_port_is_that_of_its_first_subnet(
    subnets: list[str], answer: tuple[int, Any]
) -> None:
    class Notifier:
        _get_ipv4_subnets_number_and_segment_id: Any

        def _get_ipv4_subnet_ids(self, port: list[str]) -> list[str]:
            return port

    known = Object(routed={"segment_id": "segment"}, plain={"segment_id": None})
    neutron_questions.of_segments(Notifier, known)
    assert Notifier()._get_ipv4_subnets_number_and_segment_id(subnets, "anyone") == answer


class Writing:
    """A session that has, or has not, a shared address to write down."""

    def __init__(self, empty: set[str], pending: bool) -> None:
        self._empty, self._pending = empty, pending

    def flush(self) -> None:
        if self._pending:
            self._empty.discard(neutron_questions.SHARED)


@pytest.mark.parametrize(("known_empty", "pending"), [(True, False), (True, True), (False, False)])
def test_ports_that_share_an_address_are_looked_for_where_one_may(known_empty: bool, pending: bool) -> None:
    asked: list[tuple[Any, ...]] = []

    def ask(context: Any, *about: str) -> list[str]:
        asked.append(about)
        return ["parent"]

    empty = {neutron_questions.SHARED} if known_empty else set()
    utils = SimpleNamespace(get_virtual_port_parents=ask)
    neutron_questions.of_shared_addresses(utils, empty)
    context = SimpleNamespace(session=Writing(empty, pending))
    found = utils.get_virtual_port_parents(context, "10.0.0.9", "subnet", "port")
    looked = not known_empty or pending
    assert found == (["parent"] if looked else [])
    assert asked == ([("10.0.0.9", "subnet", "port")] if looked else [])
