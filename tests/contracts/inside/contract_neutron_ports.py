"""What Neutron asks its database about ports, with its own models in SQLite."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from neutron.db import securitygroups_db
from neutron.db.models import securitygroup
from neutron.db.qos import models as qos
from neutron.services.qos import qos_plugin
from neutron_lib.db import model_base
from neutron_models import PROJECT, ident, network, port, subnet

from onestack_runtime.replacements import empty_tables, source

pytest_plugins = ("neutron_models",)
ENTRIES = (
    "default-group",
    "port-policies",
    "empty-tables",
)


def test_upstream_is_what_it_was_written_against(entry_name: str, misfits: Any) -> None:
    assert misfits(entry_name) == ""


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
