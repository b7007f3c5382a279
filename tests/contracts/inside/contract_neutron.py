"""Neutron, with its own models in SQLite."""

from __future__ import annotations

import datetime
import subprocess
import sys
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import neutron.db.migration.models.head  # noqa: F401 - all of Neutron's models
import pytest
from neutron.common import config
from neutron.common.ovn import constants as ovn_constants
from neutron.common.ovn import hash_ring_manager, utils
from neutron.db import allowedaddresspairs_db, db_base_plugin_v2, models_v2, securitygroups_db
from neutron.db import ovn_hash_ring_db as ring
from neutron.db import ovn_revision_numbers_db as revisions
from neutron.db.models import allowed_address_pair, securitygroup, segment
from neutron.db.qos import models as qos
from neutron.notifiers import batch_notifier
from neutron.notifiers import nova as notifier
from neutron.plugins.ml2 import models as ml2
from neutron.plugins.ml2.drivers.ovn.mech_driver.ovsdb import ovn_client
from neutron.services.qos import qos_plugin
from neutron.services.segments import plugin as segments
from neutron_lib import constants, context
from neutron_lib.db import api as database
from neutron_lib.db import model_base
from neutron_lib.plugins import directory
from oslo_config import cfg
from oslo_db import options
from oslo_utils import timeutils
from sqlalchemy import event

from onestack_runtime.replacements import empty_tables, neutron_events
from onestack_runtime.replacements import neutron as questions

ENTRIES = (
    "revision-number",
    "default-group",
    "port-segment",
    "shared-addresses",
    "port-subnets",
    "port-groups",
    "port-policies",
    "fake-hosts-ports",
    "new-ports-are-down",
    "ring-sign-of-life",
    "no-echo-to-nova",
    "events-at-once",
    "empty-tables",
    "seldom-filled-tables",
)
PROJECT = "p" * 32


def ident(name: str) -> str:
    """The UUID of what a test calls so."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def test_upstream_is_what_it_was_written_against(entry_name: str, misfits: Any) -> None:
    assert misfits(entry_name) == ""


def test_neutrons_process_works_with_native_threads() -> None:
    ask = (
        "import onestack_runtime.runners.neutron\n"
        "from onestack_runtime.replacements import objects, source\n"
        "[source.value(target) for entry in objects.ENTRIES for target in entry.targets]\n"
        "from oslo_service import backend; print(backend.get_backend_type().name)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", ask], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["THREADING"], done.stderr


def told(act: Any) -> object:
    try:
        return act()
    except Exception as error:
        return type(error), str(error)


class Plugin(db_base_plugin_v2.NeutronDbPluginV2, allowedaddresspairs_db.AllowedAddressPairsMixin):
    """Neutron's own plugin, as far as it reads the database."""

    supported_extension_aliases = ["allowed-address-pairs"]  # noqa: RUF012


@pytest.fixture(scope="session")
def engine() -> Any:
    config.register_common_config_options()
    options.set_defaults(cfg.CONF, connection="sqlite://")
    cfg.CONF([], project="neutron")
    made = database.get_context_manager().writer.get_engine()
    model_base.BASEV2.metadata.create_all(made)
    return made


@pytest.fixture
def about(engine: Any) -> Iterator[Any]:
    """A request, in a transaction that is undone."""
    made = context.Context("user", PROJECT, is_admin=True)
    with database.CONTEXT_WRITER.using(made):
        yield made
        made.session.rollback()


@pytest.fixture
def asked(engine: Any) -> Iterator[list[str]]:
    """What was asked of the database."""
    seen: list[str] = []

    def hear(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield seen
    event.remove(engine, "before_cursor_execute", hear)


@pytest.fixture
def plugin(engine: Any) -> Iterator[Any]:
    made = Plugin()
    directory.add_plugin(constants.CORE if hasattr(constants, "CORE") else "CORE", made)
    yield made
    directory._INSTANCE = None


def network(about: Any, name: str = "net") -> Any:
    made = models_v2.Network(id=ident(name), project_id=PROJECT, name=name, admin_state_up=True)
    about.session.add(made)
    return made


def subnet(about: Any, name: str, on: str = "net", **more: Any) -> Any:
    made = models_v2.Subnet(
        id=ident(name),
        project_id=PROJECT,
        network_id=ident(on),
        ip_version=4,
        cidr=f"10.{len(name)}.0.0/24",
        gateway_ip="10.0.0.1",
        **more,
    )
    about.session.add(made)
    return made


def port(about: Any, name: str, *subnets: str, on: str = "net", **more: Any) -> Any:
    said = {
        "mac_address": f"fa:16:3e:00:00:{sum(name.encode()) % 256:02x}",
        "admin_state_up": True,
        "status": "DOWN",
        "device_id": "",
        "device_owner": "",
    }
    made = models_v2.Port(
        id=ident(name), project_id=PROJECT, network_id=ident(on), name=name, **{**said, **more}
    )
    about.session.add(made)
    about.session.flush()
    for number, each in enumerate(subnets):
        address = f"10.{len(each)}.0.{10 + len(name) + number}"
        about.session.add(
            models_v2.IPAllocation(
                port_id=ident(name), ip_address=address, subnet_id=ident(each), network_id=ident(on)
            )
        )
    about.session.flush()
    about.session.expire_all()
    return made


@pytest.mark.replaces("revision-number")
def test_a_resources_number_is_the_same(about: Any, both: Any, asked: list[str]) -> None:
    network(about)
    port(about, "a")
    subnet(about, "s")
    for name, kind in (("a", "ports"), ("net", "networks"), ("s", "subnets"), ("gone", "ports")):
        seen = []
        for ask in both.functions:
            about.session.expire_all()
            seen.append(told(lambda ask=ask: ask(about, ident(name), kind)))  # noqa: B023
        assert seen[0] == seen[1], name
    assert seen[0][0] is revisions.StandardAttributeIDNotFound  # type: ignore[index]


@pytest.mark.replaces("default-group")
def test_a_projects_default_group_is_the_same(about: Any, both: Any) -> None:
    group = securitygroup.SecurityGroup(id=ident("g"), project_id=PROJECT, name="default", stateful=True)
    about.session.add(group)
    about.session.add(securitygroup.DefaultSecurityGroup(project_id=PROJECT, security_group_id=ident("g")))
    about.session.flush()
    mixin = securitygroups_db.SecurityGroupDbMixin.__new__(securitygroups_db.SecurityGroupDbMixin)
    for project in (PROJECT, "other"):
        seen = [ask(mixin, about, project) for ask in both.functions]
        assert seen[0] == seen[1] == (ident("g") if project == PROJECT else None)


@pytest.mark.replaces("port-segment")
def test_the_segment_of_a_port_is_the_same(about: Any, both: Any) -> None:
    network(about)
    about.session.add(
        segment.NetworkSegment(
            id=ident("seg"), network_id=ident("net"), network_type="flat", physical_network="public"
        )
    )
    subnet(about, "routed", segment_id=ident("seg"))
    subnet(about, "plain")
    about.session.flush()
    asking = segments.NovaSegmentNotifier.__new__(segments.NovaSegmentNotifier)
    for ids in (["routed", "plain"], ["plain", "routed"], ["gone"], []):
        fixed = [
            {"subnet_id": ident(each), "ip_address": f"10.0.0.{9 + number}"}
            for number, each in enumerate(ids)
        ]
        seen = [ask(asking, {"fixed_ips": fixed}, about) for ask in both.functions]
        assert seen[0] == seen[1] == ((2, ident("seg")) if ids[:1] == ["routed"] else (0, None))


def learn(about: Any, *filled: str) -> None:
    """All tables count as empty but those that hold rows, as far as this session sees."""
    empty_tables.EMPTY.watch()
    tables = list(model_base.BASEV2.metadata.tables)
    held = {
        name
        for name in tables
        if about.session.connection().exec_driver_sql(f'SELECT 1 FROM "{name}"').first()
    }
    names = frozenset(set(tables) - held - set(filled))
    vars(empty_tables.EMPTY).update(_all=frozenset(tables), _names=names)


@pytest.mark.replaces("shared-addresses")
@pytest.mark.parametrize("when", ["before", "pending", "never"])
def test_ports_that_share_an_address_are_the_same(when: str, about: Any, both: Any, plugin: Any) -> None:
    network(about)
    subnet(about, "s")
    port(about, "parent", "s")
    pair = allowed_address_pair.AllowedAddressPair(
        port_id=ident("parent"), mac_address="fa:16:3e:00:00:99", ip_address="10.1.0.99"
    )
    if when == "before":
        about.session.add(pair)
        about.session.flush()
    learn(about)
    if when == "pending":
        about.session.add(pair)
    theirs, ours = both.functions
    mine = ours(about, "10.1.0.99", ident("s"), ident("virtual"))
    assert (
        mine
        == theirs(about, "10.1.0.99", ident("s"), ident("virtual"))
        == ([] if when == "never" else [ident("parent")])
    )


class Options(ovn_client.OVNClient):
    """OVN's client as far as it tells what options a port has; without a connection to OVN."""

    is_mcast_flood_broken = False

    def __init__(self, plugin: Any) -> None:
        vars(self).update(
            _plugin_property=plugin,
            _qos_driver=SimpleNamespace(get_lsp_options_qos=lambda port_id: {}),
        )

    @property
    def _plugin(self) -> Any:
        return self._plugin_property

    def _get_port_dhcp_options(self, port: Any, version: int) -> Any:
        return {}

    def _configure_requested_chassis_options(self, options: Any, port: Any) -> Any:
        return options


@pytest.mark.replaces("port-subnets")
@pytest.mark.parametrize("subnets", [(), ("s",), ("s", "second")])
def test_ovn_is_told_the_same_about_a_port(subnets: Any, about: Any, both: Any, plugin: Any) -> None:
    network(about)
    subnet(about, "s")
    subnet(about, "second")
    port(about, "a", *subnets)
    made = plugin.get_port(about, ident("a"))
    made.update({"binding:profile": {}, "binding:vnic_type": "normal", "security_groups": [ident("g")]})
    (options, _), (our_options, _) = both.upstream, both.ours
    theirs = options(Options(plugin), about, made)
    ours = our_options(Options(plugin), about, made)
    assert vars_of(ours) == vars_of(theirs)
    assert theirs.cidrs.count("/24") == len(subnets)


def vars_of(info: Any) -> Any:
    return info._asdict() if hasattr(info, "_asdict") else vars(info)


@pytest.mark.replaces("port-subnets")
@pytest.mark.parametrize("shared", [True, False])
def test_a_shared_address_may_not_be_bound(shared: bool, about: Any, both: Any, plugin: Any) -> None:
    network(about)
    subnet(about, "s")
    port(about, "parent", "s")
    virtual = plugin.get_port(about, port(about, "virtual", "s").id)
    if shared:
        about.session.add(
            allowed_address_pair.AllowedAddressPair(
                port_id=ident("parent"),
                mac_address="fa:16:3e:00:00:99",
                ip_address=virtual["fixed_ips"][0]["ip_address"],
            )
        )
        about.session.flush()
    before = {**virtual, "binding:host_id": ""}
    after = {**virtual, "device_id": "server", "binding:host_id": "vm"}
    binding = SimpleNamespace(plugin_context=about)
    validators = (both.upstream[1], both.ours[1])
    for new in (after, before):
        seen = [told(lambda check=check: check(binding, plugin, new, before)) for check in validators]  # noqa: B023
        assert seen[0] == seen[1]
        assert (seen[0] is None) == (new is before or not shared)


@pytest.mark.replaces("port-groups")
def test_a_ports_groups_are_the_same(about: Any, installed: Any, asked: list[str]) -> None:
    for name, project in (("g1", PROJECT), ("g2", PROJECT), ("foreign", "other")):
        about.session.add(
            securitygroup.SecurityGroup(id=ident(name), project_id=project, name=name, stateful=True)
        )
        about.session.flush()
        about.session.add(
            securitygroup.SecurityGroupRule(
                id=ident(f"rule of {name}"),
                project_id=project,
                security_group_id=ident(name),
                direction="ingress",
            )
        )
    about.session.flush()
    kind = securitygroups_db.SecurityGroupDbMixin
    mixin = kind.__new__(kind)
    (get, of_port), (_, ours) = installed.upstream, installed.ours
    for about.is_admin in (True, False):
        for groups in (["g1", "g2"], ["g1"], ["foreign"], ["gone"], [], None):
            ids = groups and [ident(each) for each in groups]
            body = {"port": {"security_groups": ids, "project_id": PROJECT, "device_owner": ""}}
            seen = []
            for function, getter in ((of_port, get), (ours, installed.ours[0])):
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(securitygroups_db.sg_obj.SecurityGroup, "get_objects", getter)
                    about.session.expire_all()
                    asked.clear()
                    found = told(lambda function=function: function(mixin, about, body))  # noqa: B023
                    if isinstance(found, list):
                        found = {(each.id, each.project_id, each.stateful) for each in found}
                    seen.append((found, len(asked)))
            assert seen[0][0] == seen[1][0], groups
            assert seen[1][1] <= seen[0][1]
            if groups == ["g1", "g2"]:
                assert seen[1][1] < seen[0][1], "with no query for each rule"


@pytest.mark.replaces("port-policies")
@pytest.mark.parametrize("has", ["none", "own", "the network's", "pending"])
def test_a_new_ports_policy_is_checked_where_it_has_one(has: str, about: Any, both: Any) -> None:
    network(about)
    port(about, "a")
    about.session.add(qos.QosPolicy(id=ident("q"), project_id=PROJECT, name="gold"))
    about.session.flush()
    own = qos.QosPortPolicyBinding(policy_id=ident("q"), port_id=ident("a"))
    if has == "own":
        about.session.add(own)
    if has == "the network's":
        about.session.add(qos.QosNetworkPolicyBinding(policy_id=ident("q"), network_id=ident("net")))
    about.session.flush()
    learn(about)
    if has == "pending":
        about.session.add(own)
    about.session.expire_all()
    payload = SimpleNamespace(context=about, resource_id=ident("a"))
    checked: list[list[str]] = []
    for callback in reversed(both.functions):
        checked.append([])
        made = qos_plugin.QoSPlugin.__new__(qos_plugin.QoSPlugin)
        note = checked[-1]
        vars(made)["validate_policy_for_port"] = lambda about, policy, port, note=note: note.append(policy.id)
        callback(made, "port", "event", "trigger", payload=payload)
    assert checked[0] == checked[1] == ([] if has == "none" else [ident("q")])


class Driver:
    """OVN's driver: which ports it marked how."""

    def __init__(self) -> None:
        self.marked: list[tuple[str, str]] = []

    def set_port_status_up(self, port_id: str) -> None:
        self.marked.append((port_id, "up"))

    def set_port_status_down(self, port_id: str) -> None:
        self.marked.append((port_id, "down"))


def marked(run: Any, up: list[bool], ids: dict[str, str]) -> list[tuple[str, str]]:
    driver = Driver()
    row = SimpleNamespace(name="port", up=up, enabled=[True], external_ids=ids, type="")
    run(SimpleNamespace(driver=driver), "create", row, None)
    return driver.marked


def state(monkeypatch: pytest.MonkeyPatch, *found: tuple[str, str | None]) -> None:
    monkeypatch.setattr(neutron_events, "known", lambda port_id: list(found))


FAKE, REAL, NONE = "fake-1", "vm", ""
KEY = ovn_constants.OVN_HOST_ID_EXT_ID_KEY


@pytest.mark.replaces("new-ports-are-down")
@pytest.mark.parametrize("up", [[], [False], [True]])
@pytest.mark.parametrize("ids", [{}, {KEY: "vm"}])
@pytest.mark.parametrize(
    "known",
    [
        [("DOWN", NONE)],
        [("DOWN", None)],
        [("ACTIVE", NONE)],
        [("DOWN", REAL)],
        [("ACTIVE", REAL)],
        [("DOWN", NONE), ("DOWN", REAL)],
        [],
    ],
)
def test_only_a_port_that_is_down_and_on_no_host_is_passed_over(
    known: Any, up: Any, ids: Any, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    state(monkeypatch, *known)
    theirs, ours = both.functions
    passed_over = not any(up) and not ids and known in ([("DOWN", NONE)], [("DOWN", None)])
    assert marked(ours, up, ids) == ([] if passed_over else marked(theirs, up, ids))


@pytest.mark.replaces("new-ports-are-down")
def test_what_is_known_of_a_port_is_what_the_database_has(
    about: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    network(about)
    port(about, "bound", status="ACTIVE")
    port(about, "plain")
    about.session.add(
        ml2.PortBinding(
            port_id=ident("bound"), host="vm", vif_type="ovs", vnic_type="normal", profile="", status="ACTIVE"
        )
    )
    about.session.flush()
    monkeypatch.setattr(context, "get_admin_context", lambda: about)
    found = {name: neutron_events.known(ident(name)) for name in ("bound", "plain", "gone")}
    assert found == {"bound": [("ACTIVE", "vm")], "plain": [("DOWN", None)], "gone": []}


@pytest.mark.replaces("fake-hosts-ports")
@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("up", [[], [True]])
@pytest.mark.parametrize(
    "known", [[("ACTIVE", FAKE)], [("DOWN", FAKE)], [("ACTIVE", REAL)], [("DOWN", NONE)], []]
)
def test_only_ports_of_fake_hosts_are_passed_over(
    known: Any, up: Any, used: bool, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onestack_runtime.drivers.fake_hosts import binding

    monkeypatch.setattr(binding, "is_used", lambda: used)
    state(monkeypatch, *known)
    theirs, ours = both.functions
    passed_over = used and not up and any(host == FAKE for _, host in known)
    assert marked(ours, up, {}) == ([] if passed_over else marked(theirs, up, {}))


@pytest.mark.replaces("ring-sign-of-life")
def test_the_ring_names_the_same_and_one_heartbeat_is_asked_for_in_each_interval(
    about: Any, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [datetime.datetime(2026, 1, 1)]
    monkeypatch.setattr(timeutils, "utcnow", lambda *any, **more: now[0])
    nodes = [SimpleNamespace(node_uuid=name, updated_at=now[0]) for name in ("me", "you")]
    monkeypatch.setattr(ring, "get_active_nodes", lambda *about, **more: nodes)
    monkeypatch.setattr(ring, "count_offline_nodes", lambda *about: 0)
    monkeypatch.setattr(hash_ring_manager.HashRingManager, "_wait_startup_before_caching", False)
    manager = hash_ring_manager.HashRingManager("group")
    interval = datetime.timedelta(seconds=ovn_constants.HASH_RING_TOUCH_INTERVAL)
    theirs, ours = both.functions
    signs: dict[str, list[list[float]]] = {"theirs": [], "ours": []}
    begun = now[0]
    for tenth in range(500):
        now[0] = begun + datetime.timedelta(seconds=tenth / 10)
        answers = {"theirs": theirs(manager, "row"), "ours": ours(manager, "row")}
        assert answers["theirs"][0] == answers["ours"][0]
        for who, (_, touched) in answers.items():
            if now[0] - interval >= touched:
                signs[who].append([tenth / 10])
    assert signs["ours"] == [[15.0], [30.0], [45.0]]
    assert len(signs["theirs"]) > 100, "upstream has learned better; the entry may go"


def notified(send: Any, action: str, who: str) -> list[Any]:
    seen: list[Any] = []
    made = notifier.Notifier.__new__(notifier.Notifier)
    vars(made)["send_network_change"] = lambda *what: seen.append(what)
    payload = SimpleNamespace(
        action=action, states=["before"], latest_state="after", context=SimpleNamespace(user_name=who)
    )
    send(made, "port", "event", "trigger", payload=payload)
    return seen


@pytest.mark.replaces("no-echo-to-nova")
@pytest.mark.parametrize("action", ["update_port", "delete_port", "create_floatingip", "update_floatingip"])
@pytest.mark.parametrize("who", ["neutron", "alice"])
def test_nova_is_told_what_it_did_not_do_itself(action: str, who: str, both: Any) -> None:
    theirs, ours = both.functions
    echo = (action, who) == ("update_port", "neutron")
    assert notified(ours, action, who) == ([] if echo else notified(theirs, action, who))
    assert notified(theirs, action, who) == [(action, "before", "after")]


@pytest.mark.replaces("events-at-once")
def test_events_are_sent_and_gathered_for_a_moment(installed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[int]] = []
    slept: list[float] = []
    made = batch_notifier.BatchNotifier(2, sent.append)
    monkeypatch.setattr(batch_notifier.utils, "spawn_n", lambda body: body())

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            made.queue_event(2)
            made.queue_event(3)

    monkeypatch.setattr(batch_notifier.time, "sleep", sleep)
    made.queue_event(1)
    assert sent == [[1], [2, 3]]
    assert slept == [neutron_events.EVENTS_SECONDS] * 2
    assert questions.SHARED in model_base.BASEV2.metadata.tables
    assert set(questions.POLICIES) <= set(model_base.BASEV2.metadata.tables)
    assert callable(utils.get_virtual_port_parents)
