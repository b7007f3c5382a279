"""The metrics of openstack-exporter's that this cloud does not have, and why; and the table in docs/monitoring.md:
`python -m onestack.observe.resources.missing` prints it."""

from __future__ import annotations

import sys
from collections.abc import Mapping

_NO_VPN = "no VPN service"
_NO_LIMIT = "Nova has no such limit since its API 2.57"
_POOLS = "what a subnet pool can give is no row of Neutron's database"
_SCHEDULER = "only Cinder's scheduler knows it; `node_filesystem_avail_bytes` has that of volumes in files"
_OVN = "OVN has no agents in Neutron's database: `onestack_process_up`, `openstack network agent list`"
MISSING: Mapping[str, str] = {
    "openstack_nova_security_groups": "security groups are Neutron's: `openstack_neutron_security_groups`",
    **{
        f"openstack_nova_quota_{each}": "Nova has no such limit since its API 2.36"
        for each in ("fixed_ips", "floating_ips", "security_group_rules", "security_groups")
    },
    **{
        f"openstack_nova_quota_injected_{each}": _NO_LIMIT
        for each in ("file_content_bytes", "file_path_bytes", "files")
    },
    "openstack_neutron_agent_state": _OVN,
    "openstack_neutron_l3_agent_of_router": _OVN,
    **{f"openstack_neutron_subnets_{each}": _POOLS for each in ("total", "used", "free")},
    **{
        f"openstack_neutron_vpn_{each}": _NO_VPN
        for each in (
            *("endpoint_groups", "ike_policies", "ipsec_policies", "services", "service"),
            *("siteconnections", "siteconnection"),
        )
    },
    "openstack_cinder_pool_capacity_free_gb": _SCHEDULER,
    "openstack_cinder_pool_capacity_total_gb": _SCHEDULER,
    "openstack_loadbalancer_amphora_status": "there are no amphorae: `…_total_amphorae` is 0",
}


def table() -> str:
    """The table, in Markdown: a row for each service and what of it is there, then one for each that is missing."""
    # A late import: `read` needs all of a cloud's modules, this one none.
    from onestack.observe.resources import read

    lines = ["| openstack-exporter's | Here | Because |", "| --- | --- | --- |"]
    for group in read.GROUPS:
        names = [each.name for each in group.metrics if not each.prefix]
        lines.append(f"| `{group.prefix}_…` | {', '.join(f'`{name}`' for name in names)}, `up` | |")
    by_reason: dict[str, list[str]] = {}
    for name, reason in MISSING.items():
        by_reason.setdefault(reason, []).append(f"`{name}`")
    lines += [f"| {', '.join(names)} | missing | {reason} |" for reason, names in by_reason.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
