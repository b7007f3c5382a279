"""What the service user of a compute host may do: every policy rule of each project, with our overrides.

The overrides (`onestack.platform.services._policies`) are passed in an environment variable.
"""

from __future__ import annotations

import os

os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
from onestack_runtime import series

series.here().cinder_threads()

import importlib  # noqa: E402
import json  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import neutron.policy  # noqa: E402, F401  registers the check classes of Neutron's rules
import pytest  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_policy import opts, policy  # noqa: E402

MODULES = {
    "keystone": "keystone.common.policies",
    "glance": "glance.policies",
    "placement": "placement.policies",
    "neutron": "neutron.conf.policies",
    "nova": "nova.policies",
    "cinder": "cinder.policies",
    "octavia": "octavia.policies",
}
OTHER_PROJECT = "another project"
TARGET = {
    **dict.fromkeys(("project_id", "tenant_id", "owner", "user_id", "member_id"), OTHER_PROJECT),
    **{
        f"{parent}:project_id": OTHER_PROJECT
        for parent in ("network", "security_group", "ext_parent", "network:tenant_id")
    },
    "visibility": "private",
    # Attributes of the target as Keystone flattens them.
    **{
        f"target.{name}": OTHER_PROJECT
        for name in (
            *("user.id", "user.domain_id", "project.id", "project.domain_id", "token.user_id"),
            *("limit.project_id", "limit.project.id", "limit.project.domain_id", "limit.domain.id"),
        )
    },
}
PORT = ("create_port", "update_port", "delete_port", "get_port")
USED = {
    "neutron": {
        *PORT,
        *("get_port_binding", "create_port_binding", "delete_port_binding", "activate"),
        *(
            f"{verb}_port:{field}"
            for verb in ("create", "update")
            for field in ("device_id", "device_owner", "binding:host_id", "binding:profile", "mac_address")
        ),
        *(
            f"get_port:{field}"
            for field in ("binding:vif_type", "binding:vif_details", "binding:host_id", "binding:profile")
        ),
        *("get_port:resource_request", "create_port:fixed_ips:ip_address"),
        *("get_network", "get_network:segments", "get_subnet", "get_floatingip"),
        *("get_network:provider:network_type", "get_network:provider:physical_network"),
        "create_default_security_group",
    },
    "cinder": {"context_is_admin", "volume:attachment_delete"},
}
"""The rules that nova-compute's requests need, from the source of nova.network.neutron and nova.volume.cinder."""
NO_API = {
    "neutron": {"service_api", "regular_user", "restrict_wildcard"},
    "cinder": {"admin_or_owner"},
}
"""Rules that no API checks; only other rules refer to them."""
HARMLESS = {
    "neutron": {
        "get_network_ip_availability",
        # Attributes of ports, which this user may create and update in any case.
        *(f"{verb}_port:{field}" for verb in ("create", "update") for field in ("fixed_ips",)),
        *(f"{verb}_port:fixed_ips:subnet_id" for verb in ("create", "update")),
        "update_port:fixed_ips:ip_address",
        *(f"{verb}_port:port_security_enabled" for verb in ("create", "update")),
        *(f"{verb}_port:binding:vnic_type" for verb in ("create", "update")),
        *(
            f"{verb}_port:allowed_address_pairs{field}"
            for verb in ("create", "update")
            for field in ("", ":mac_address", ":ip_address")
        ),
        # Attributes of RBAC policies, which this user may neither create nor update.
        *(
            f"{verb}_rbac_policy:target_{field}"
            for verb in ("create", "update")
            for field in ("tenant", "project")
        ),
    },
    "cinder": set[str](),
}
"""Further rules that upstream's policies grant to the role `service`."""


def make_enforcer(project: str, folder: Path) -> Any:
    """oslo.policy with the project's rules and a policy file with our overrides."""
    conf = cfg.ConfigOpts()
    opts._register(conf)
    conf([], default_config_files=[])
    overrides = json.loads(os.environ["ONESTACK_TEST_SETTINGS"])["policies"].get(project, {})
    file = folder / "policy.yaml"
    file.write_text(json.dumps(overrides))
    conf.set_override("policy_file", str(file), "oslo_policy")
    enforcer = policy.Enforcer(conf)
    enforcer.suppress_deprecation_warnings = True
    enforcer.register_defaults(list(importlib.import_module(MODULES[project]).list_rules()))
    assert overrides.keys() <= enforcer.registered_rules.keys(), "upstream renamed a rule"
    enforcer.load_rules(True)
    return enforcer


def allowed_rules(project: str, folder: Path) -> set[str]:
    """The rules that pass for a host's user on a resource of another project."""
    enforcer = make_enforcer(project, folder)
    credentials = {
        "roles": ["service"],
        "user_id": "host",
        "project_id": "service",
        "tenant_id": "service",
        # Cinder's request contexts have it by the rule `context_is_admin`.
        "is_admin": project == "cinder",
        "is_admin_project": True,
    }
    return {name for name in enforcer.registered_rules if enforcer.enforce(name, TARGET, credentials)}


@pytest.mark.parametrize("project", sorted(USED))
def test_nova_compute_is_allowed_what_it_needs_and_nothing_unexpected(project: str, tmp_path: Path) -> None:
    allowed = allowed_rules(project, tmp_path)
    assert USED[project] - allowed == set()
    assert allowed - USED[project] - HARMLESS[project] == NO_API[project]


def test_placement_denies_only_the_administrators_rules(tmp_path: Path) -> None:
    denied = make_enforcer("placement", tmp_path).registered_rules.keys() - allowed_rules(
        "placement", tmp_path
    )
    assert denied == {"admin_api", "project_reader_api"}


def test_novas_api_allows_only_what_every_user_may_read(tmp_path: Path) -> None:
    allowed = {each for each in allowed_rules("nova", tmp_path) if each.startswith("os_compute_api:")}
    assert allowed == {
        *(f"os_compute_api:{name}" for name in ("extensions", "limits", "os-floating-ip-pools")),
        *("os_compute_api:os-availability-zone:list", "os_compute_api:os-quota-sets:defaults"),
    }


def test_keystone_allows_the_validation_of_tokens_and_no_change(tmp_path: Path) -> None:
    verbs = ("create", "update", "delete", "add", "remove", "revoke", "ensure")
    allowed = allowed_rules("keystone", tmp_path)
    assert "identity:validate_token" in allowed
    assert not [name for name in allowed if name.partition(":")[2].startswith(verbs)]
    assert not allowed & {"identity:list_projects", "identity:list_users", "identity:get_user"}


@pytest.mark.parametrize("project", ["glance", "octavia"])
def test_images_and_load_balancers_of_other_projects_are_denied(project: str, tmp_path: Path) -> None:
    allowed = allowed_rules(project, tmp_path)
    assert not allowed & {
        *("get_image", "get_images", "delete_image", "modify_image", "download_image", "publicize_image"),
        *(f"os_load-balancer_api:loadbalancer:{verb}" for verb in ("get_one", "post", "put", "delete")),
    }
