"""What Neutron asks its database about ports, with its own models in SQLite."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from neutron.db import ovn_revision_numbers_db as revisions
from neutron.db import securitygroups_db
from neutron.db.models import allowed_address_pair, securitygroup, segment
from neutron.db.qos import models as qos
from neutron.plugins.ml2.drivers.ovn.mech_driver.ovsdb import ovn_client
from neutron.services.qos import qos_plugin
from neutron.services.segments import plugin as segments
from neutron_lib.db import model_base
from neutron_models import PROJECT, ident, network, port, subnet, told

from onestack_runtime.replacements import empty_tables, source

pytest_plugins = ("neutron_models",)
ENTRIES = (
    "revision-number",
    "default-group",
    "port-segment",
    "shared-addresses",
    "port-subnets",
    "port-groups",
    "port-policies",
    "empty-tables",
    "seldom-filled-tables",
)


def test_upstream_is_what_it_was_written_against(entry_name: str, misfits: Any) -> None:
    assert misfits(entry_name) == ""


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


@pytest.mark.replaces("empty-tables")
def test_a_port_is_read_the_same_with_fewer_questions(
    engine: Any, about: Any, both: Any, plugin: Any, asked: list[str]
) -> None:
    empty_tables.EMPTY.learn(engine, empty_tables.related(model_base.BASEV2))
    network(about)
    subnet(about, "s")
    port(about, "a", "s")
    seen = []
    for values in (both.upstream, both.ours):
        with pytest.MonkeyPatch.context() as patch:
            for target, value in zip(both.targets, values, strict=True):
                patch.setattr(*source.place(target), value)
            about.session.expire_all()
            asked.clear()
            seen.append((plugin.get_port(about, ident("a")), len(asked)))
    (theirs, many), (mine, few) = seen
    assert mine == theirs
    assert few < many
