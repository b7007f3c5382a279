"""Neutron's database queries for ports, with its own models in SQLite."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from neutron.db import securitygroups_db
from neutron.db.models import securitygroup
from neutron.db.qos import models as qos
from neutron.services.qos import qos_plugin
from neutron_lib.db import model_base
from neutron_models import PROJECT, network, port, subnet, uuid_of

from onestack_runtime.replacements import empty_tables, source

pytest_plugins = ("neutron_models",)
ENTRIES = (
    "default-group",
    "port-policies",
    "empty-tables",
)


def test_upstream_source_is_unchanged(entry_name: str, source_changes: Any) -> None:
    assert source_changes(entry_name) == ""


@pytest.mark.replaces("default-group")
def test_a_projects_default_security_group_is_the_same(request_context: Any, both: Any) -> None:
    group = securitygroup.SecurityGroup(id=uuid_of("g"), project_id=PROJECT, name="default", stateful=True)
    request_context.session.add(group)
    request_context.session.add(
        securitygroup.DefaultSecurityGroup(project_id=PROJECT, security_group_id=uuid_of("g"))
    )
    request_context.session.flush()
    mixin = securitygroups_db.SecurityGroupDbMixin.__new__(securitygroups_db.SecurityGroupDbMixin)
    for project in (PROJECT, "other"):
        groups = [get_default_group(mixin, request_context, project) for get_default_group in both.functions]
        assert groups[0] == groups[1] == (uuid_of("g") if project == PROJECT else None)


@pytest.mark.replaces("port-policies")
@pytest.mark.parametrize("bound_to", ["nothing", "port", "network", "port, not flushed"])
def test_a_new_ports_qos_policy_is_validated_if_it_has_one(
    bound_to: str, request_context: Any, both: Any
) -> None:
    network(request_context)
    port(request_context, "a")
    request_context.session.add(qos.QosPolicy(id=uuid_of("q"), project_id=PROJECT, name="gold"))
    request_context.session.flush()
    binding = qos.QosPortPolicyBinding(policy_id=uuid_of("q"), port_id=uuid_of("a"))
    if bound_to == "port":
        request_context.session.add(binding)
    if bound_to == "network":
        request_context.session.add(
            qos.QosNetworkPolicyBinding(policy_id=uuid_of("q"), network_id=uuid_of("net"))
        )
    request_context.session.flush()
    if bound_to == "port, not flushed":
        request_context.session.add(binding)
    request_context.session.expire_all()
    payload = SimpleNamespace(context=request_context, resource_id=uuid_of("a"))
    validated: list[list[str]] = []
    for callback in reversed(both.functions):
        validated.append([])
        service_plugin = qos_plugin.QoSPlugin.__new__(qos_plugin.QoSPlugin)
        policies = validated[-1]
        vars(service_plugin)["validate_policy_for_port"] = (
            lambda request_context, policy, port, policies=policies: policies.append(policy.id)
        )
        callback(service_plugin, "port", "event", "trigger", payload=payload)
    assert validated[0] == validated[1] == ([] if bound_to == "nothing" else [uuid_of("q")])


@pytest.mark.replaces("empty-tables")
def test_a_port_is_read_the_same_with_fewer_queries(
    engine: Any, request_context: Any, both: Any, plugin: Any, statements: list[str]
) -> None:
    empty_tables.EMPTY.learn(engine, empty_tables.related(model_base.BASEV2))
    network(request_context)
    subnet(request_context, "s")
    port(request_context, "a", "s")
    results = []
    for values in (both.upstream, both.ours):
        with pytest.MonkeyPatch.context() as patch:
            for target, value in zip(both.targets, values, strict=True):
                patch.setattr(*source.place(target), value)
            request_context.session.expire_all()
            statements.clear()
            results.append((plugin.get_port(request_context, uuid_of("a")), len(statements)))
    (upstream_port, upstream_queries), (our_port, our_queries) = results
    assert our_port == upstream_port
    assert our_queries < upstream_queries
