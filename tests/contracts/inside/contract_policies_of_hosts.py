"""What a compute host's user may do, by upstream's own policies and our additions: each rule of each project.

Our additions, the tool's `onestack.platform.services._policies`, come in an environment variable.
"""

from __future__ import annotations

import os

os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
from cinder import monkey_patch

monkey_patch.patch(backend="threading")

import importlib  # noqa: E402
import json  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import neutron.policy  # noqa: E402, F401  registers the kinds of checks that Neutron's rules use
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
OTHER = "another project"
TARGET = {
    **dict.fromkeys(("project_id", "tenant_id", "owner", "user_id", "member_id"), OTHER),
    **{
        f"{parent}:project_id": OTHER
        for parent in ("network", "security_group", "ext_parent", "network:tenant_id")
    },
    "visibility": "private",
    # As Keystone flattens what it is asked about.
    **{
        f"target.{name}": OTHER
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
"""What nova-compute's calls need, from the source of nova.network.neutron and nova.volume.cinder."""
NO_API = {
    "neutron": {"service_api", "regular_user", "restrict_wildcard"},
    "cinder": {"admin_or_owner"},
}
"""Rules that only other rules use."""
HARMLESS = {
    "neutron": {
        "get_network_ip_availability",
        # Of a port that may be created and updated anyhow.
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
        # Fields of what the user may not create.
        *(
            f"{verb}_rbac_policy:target_{field}"
            for verb in ("create", "update")
            for field in ("tenant", "project")
        ),
    },
    "cinder": set[str](),
}
"""What upstream grants the role besides."""


def enforcer(project: str, folder: Path) -> Any:
    """oslo.policy with the project's rules, and our file over them."""
    conf = cfg.ConfigOpts()
    opts._register(conf)
    conf([], default_config_files=[])
    ours = json.loads(os.environ["ONESTACK_TEST_SETTINGS"])["policies"].get(project, {})
    file = folder / "policy.yaml"
    file.write_text(json.dumps(ours))
    conf.set_override("policy_file", str(file), "oslo_policy")
    made = policy.Enforcer(conf)
    made.suppress_deprecation_warnings = True
    made.register_defaults(list(importlib.import_module(MODULES[project]).list_rules()))
    assert ours.keys() <= made.registered_rules.keys(), "upstream renamed a rule"
    made.load_rules(True)
    return made


def allowed(project: str, folder: Path) -> set[str]:
    """The rules that pass for a host's user and another project's resource."""
    made = enforcer(project, folder)
    who = {
        "roles": ["service"],
        "user_id": "host",
        "project_id": "service",
        "tenant_id": "service",
        # What Cinder's contexts say of it; see `context_is_admin`.
        "is_admin": project == "cinder",
        "is_admin_project": True,
    }
    return {name for name in made.registered_rules if made.enforce(name, TARGET, who)}


@pytest.mark.parametrize("project", sorted(USED))
def test_what_nova_compute_uses_is_allowed_and_nothing_else_is_unknown(project: str, tmp_path: Path) -> None:
    found = allowed(project, tmp_path)
    assert USED[project] - found == set()
    assert found - USED[project] - HARMLESS[project] == NO_API[project]


def test_placement_is_open_but_for_administrators_rules(tmp_path: Path) -> None:
    refused = enforcer("placement", tmp_path).registered_rules.keys() - allowed("placement", tmp_path)
    assert refused == {"admin_api", "project_reader_api"}


def test_novas_api_is_closed_but_for_what_is_open_to_everybody(tmp_path: Path) -> None:
    found = {each for each in allowed("nova", tmp_path) if each.startswith("os_compute_api:")}
    assert found == {
        *(f"os_compute_api:{name}" for name in ("extensions", "limits", "os-floating-ip-pools")),
        *("os_compute_api:os-availability-zone:list", "os_compute_api:os-quota-sets:defaults"),
    }


def test_keystone_lets_it_validate_tokens_and_change_nothing(tmp_path: Path) -> None:
    verbs = ("create", "update", "delete", "add", "remove", "revoke", "ensure")
    found = allowed("keystone", tmp_path)
    assert "identity:validate_token" in found
    assert not [name for name in found if name.partition(":")[2].startswith(verbs)]
    assert not found & {"identity:list_projects", "identity:list_users", "identity:get_user"}


@pytest.mark.parametrize("project", ["glance", "octavia"])
def test_other_projects_images_and_balancers_are_closed(project: str, tmp_path: Path) -> None:
    found = allowed(project, tmp_path)
    assert not found & {
        *("get_image", "get_images", "delete_image", "modify_image", "download_image", "publicize_image"),
        *(f"os_load-balancer_api:loadbalancer:{verb}" for verb in ("get_one", "post", "put", "delete")),
    }
