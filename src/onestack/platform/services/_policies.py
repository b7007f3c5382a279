"""What the users of compute hosts may do besides upstream's policies for the role `service`, and what they may not.

Upstream's policies of this series already let that role do most of what nova-compute does: all of Placement, and
Neutron's ports, port bindings, networks and subnets. The rest is done by oslo.policy's own means, a file that
overrides single rules. The cloud has these files only while it has such hosts.
`tests/contracts/inside/contract_policies_of_hosts.py` checks each rule of each project beside upstream's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from onestack.core.contract import ETC
from onestack.platform import host_users
from onestack.platform.services import _common as common
from onestack.platform.view import View

_SERVICE = "role:service"

NEUTRON: Mapping[str, str] = {
    # In a server's cached network information: floating IPs, physical network, whether it is a tunnel.
    "get_floatingip": f"(rule:admin_only) or (role:reader and project_id:%(project_id)s) or {_SERVICE}",
    **{
        f"get_network:{field}": f"rule:admin_only or {_SERVICE}"
        for field in ("segments", "provider:network_type", "provider:physical_network")
    },
    # The bandwidth to allocate in Placement when a port is attached to a running server.
    "get_port:resource_request": f"rule:admin_only or {_SERVICE}",
}

CINDER: Mapping[str, str] = {
    # nova-compute completes at its start what it was doing when it was killed, without a user's token: a restart of a
    # server, for which it reads the attachments, and a deletion, for which it ends them. Without the first rule
    # Cinder would hide other projects' attachments, and Nova would forget them as stale. It opens no API: all of
    # Cinder's rules for administrators are `admin_api` or name the role, and `admin_api` loses its `is_admin:True`.
    "context_is_admin": f"role:admin or {_SERVICE}",
    "admin_api": "role:admin",
    "volume:attachment_delete": f"rule:xena_system_admin_or_project_member or {_SERVICE}",
}


NOVA: Mapping[str, str] = {
    # Upstream's rule is `service_or_admin`. The callers are Neutron and Cinder, whose users are administrators.
    f"os_compute_api:{name}": "rule:context_is_admin"
    for name in (
        "os-server-external-events:create",
        "os-volumes-attachments:swap",
        "os-assisted-volume-snapshots:create",
        "os-assisted-volume-snapshots:delete",
    )
}

ALL = {"neutron": NEUTRON, "cinder": CINDER, "nova": NOVA}
"""The rules that are overridden, by project."""


def files(view: View, project: str) -> dict[str, str]:
    """The project's policy file, if this host needs it. JSON is YAML, too."""
    return {_name(project): json.dumps(dict(ALL[project]), indent=1) + "\n"} if _apply(view) else {}


def option(view: View, project: str) -> dict[str, common.Section]:
    """[oslo_policy]: names the file. It does not have upstream's default name: one that was left behind by the last
    such host would be read."""
    return {"oslo_policy": {"policy_file": f"{ETC}/{_name(project)}"}} if _apply(view) else {}


def _apply(view: View) -> bool:
    return view.control and host_users.exist(view)


def _name(project: str) -> str:
    return f"{project}/policy-of-hosts.yaml"
