"""Neutron asks for one column where it needs one, and gets the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from pecan import util
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


class Subnet(Base):
    __tablename__ = "subnets"
    id: Mapped[str] = mapped_column(String, primary_key=True)
    network_id: Mapped[str] = mapped_column(String)
    ip_version: Mapped[int] = mapped_column(Integer)
    cidr: Mapped[str] = mapped_column(String)
    subnetpool_id: Mapped[str | None] = mapped_column(String)
    gateway_ip: Mapped[str | None] = mapped_column(String)


class Away(Exception):
    pass


class Database:
    """neutron_lib's: how to read from the database, and to try again where it was away."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.CONTEXT_READER = self

    @contextmanager
    def using(self, context: Any) -> Iterator[Any]:
        self.away -= 1
        if self.away >= 0:
            raise Away
        yield context.session

    def retry_if_session_inactive(self) -> Any:
        def decorated(read: Any) -> Any:
            # As neutron_lib finds the context among the arguments.
            where = util.getargspec(read).args.index("context")

            def again(*args: Any, **named: Any) -> Any:
                assert isinstance(args[where].session, Session)
                try:
                    return read(*args, **named)
                except Away:
                    return again(*args, **named)

            return again

        return decorated


class Plugin:
    """Neutron's, whose subnets come with all that belongs to them."""

    def get_subnetpool(self, context: Any, id: str) -> str:
        return f"pool {id}"

    def get_subnets(self, context: Any, filters: Any) -> Any:
        raise AssertionError("asked for everything")


class Client:
    """OVN's, which tells what it found out about a port's subnets."""

    _plugin = Plugin()
    _nb_idl = "northbound"

    def _get_port_options(self, context: Any, port: list[str]) -> Any:
        return self._nb_idl, self._plugin.get_subnets(context, filters={"id": port})

    def update_port(self, context: Any, port: list[str]) -> Any:
        return self._get_port_options(context, port)


def test_ovn_is_told_about_a_port_with_few_facts_about_its_subnets(session: Session) -> None:
    class Own(Client):
        pass

    found: list[Any] = []

    def validate(port_context: Any, plugin: Any, port: list[str], original: Any) -> None:
        found.append(plugin.get_subnets(port_context, filters={"id": port}))
        found.append(plugin.get_subnetpool(port_context, id="p"))

    utils: Any = SimpleNamespace(validate_port_binding_and_virtual_port=validate)
    neutron_questions.of_subnets(Own, utils, Subnet, Database(away=2))
    for number in range(3):
        session.add(
            Subnet(id=f"s{number}", network_id="n", ip_version=4, cidr=f"10.0.{number}.0/24", gateway_ip="g")
        )
    session.flush()
    context = SimpleNamespace(session=session)
    second = {"id": "s1", "network_id": "n", "ip_version": 4, "cidr": "10.0.1.0/24", "subnetpool_id": None}
    assert Own().update_port(context, ["s1"]) == ("northbound", [second])
    assert Own().update_port(context, []) == ("northbound", [])
    utils.validate_port_binding_and_virtual_port(context, Plugin(), ["s1", "gone"], None)
    assert found == [[second], "pool p"]


class Group:
    """One of Neutron's groups, which come with their rules unless fields are named."""

    asked: list[Any]

    @classmethod
    def get_objects(cls, context: Any, pager: Any = None, fields: Any = None, **known: Any) -> list[str]:
        cls.asked.append(fields)
        return list(known["id"])


class Groups:
    def _get_security_groups_on_port(self, context: Any, port: dict[str, list[str]]) -> Any:
        if "fails" in port["groups"]:
            raise LookupError("fails")
        return Group.get_objects(context, id=port["groups"])


def test_a_ports_groups_are_looked_at_without_their_rules_and_others_with_them() -> None:
    Group.asked = []
    neutron_questions.of_groups(Groups, Group)
    plugin: Any = Groups()
    assert plugin._get_security_groups_on_port(None, {"groups": ["web"]}) == ["web"]
    assert Group.get_objects(None, id=["web"]) == ["web"]
    with pytest.raises(LookupError):
        plugin._get_security_groups_on_port(None, {"groups": ["fails"]})
    assert Group.get_objects(None, None, ["name"], id=["web"]) == ["web"]
    assert Group.asked == [["id", "project_id", "stateful"], None, ["name"]]


@pytest.mark.parametrize("filled", [set(), {neutron_questions.POLICIES[0]}, {neutron_questions.POLICIES[1]}])
@pytest.mark.parametrize("pending", [False, True])
def test_a_new_ports_policy_is_looked_for_where_there_may_be_one(filled: set[str], pending: bool) -> None:
    asked: list[str] = []

    class Policies:
        def _validate_create_port_callback(
            self, resource: str, event: Any, trigger: Any, payload: Any
        ) -> None:
            asked.append(resource)

    empty = set(neutron_questions.POLICIES) - filled

    class Session:
        def flush(self) -> None:
            if pending:
                empty.discard(neutron_questions.POLICIES[1])

    neutron_questions.of_policies(Policies, empty)
    payload = SimpleNamespace(context=SimpleNamespace(session=Session()))
    Policies()._validate_create_port_callback("port", "event", "plugin", payload=payload)
    assert asked == (["port"] if filled or pending else [])
