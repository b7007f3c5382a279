"""Tenants' quotas and how much of them is used.

Limits that neither a project nor the class `default` has are OpenStack's defaults, which are in no table. They are
here; a test compares them with what the APIs say.
"""

from __future__ import annotations

from collections.abc import Mapping

from onestack.observe.resources.metric import Metric

NOVA_DEFAULTS: Mapping[str, int] = {
    "cores": 20,
    "instances": 10,
    "ram": 51200,
    "key_pairs": 100,
    "metadata_items": 128,
    "server_groups": 10,
    "server_group_members": 10,
}
"""`ram`: MiB. -1 is unlimited, here and below."""
NEUTRON_DEFAULTS: Mapping[str, int] = {
    "network": 100,
    "subnet": 100,
    "subnetpool": -1,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "security_group": 10,
    "security_group_rule": 100,
    "rbac_policy": 10,
}
CINDER_DEFAULTS: Mapping[str, int] = {"gigabytes": 1000, "backup_gigabytes": 1000}

_PROJECTS = "keystone.project AS p WHERE p.is_domain = 0"
_TENANT = "p.name AS tenant, p.id AS tenant_id"
_OF_TENANT = ("tenant", "tenant_id")
# As Nova counts: not what was deleted, softly or not, and not what no host was found for.
_OF_SERVERS = """\
COALESCE((SELECT {sum} FROM nova.instances AS i WHERE i.project_id = p.id AND i.deleted = 0
          AND COALESCE(i.vm_state, '') <> 'soft-delete'), 0)"""
_NOVA_USED = {
    "cores": _OF_SERVERS.format(sum="SUM(i.vcpus)"),
    "instances": _OF_SERVERS.format(sum="COUNT(*)"),
    "ram": _OF_SERVERS.format(sum="SUM(i.memory_mb)"),
    "server_groups": "(SELECT COUNT(*) FROM nova_api.instance_groups AS g WHERE g.project_id = p.id)",
}
"""The others are counted for each user, server or group; of a project the API says 0, too."""
_NEUTRON_TABLES = {
    "network": ("networks",),
    "subnet": ("subnets",),
    "subnetpool": ("subnetpools",),
    "port": ("ports",),
    "router": ("routers",),
    "floatingip": ("floatingips",),
    "security_group": ("securitygroups",),
    "security_group_rule": ("securitygrouprules",),
    "rbac_policy": (
        *("networkrbacs", "qospolicyrbacs", "securitygrouprbacs"),
        *("addressscoperbacs", "subnetpoolrbacs", "addressgrouprbacs"),
    ),
}


def _limit(database: str, resource: str, default: int, *, extra: str = "") -> str:
    """SQL for the limit of the project `p`. `extra`: a condition on the rows that count."""
    of_project = (
        f"(SELECT MAX(q.hard_limit) FROM {database}.quotas AS q"
        f" WHERE q.project_id = p.id AND q.resource = {resource}{extra.format('q')})"
    )
    of_class = (
        f"(SELECT MAX(c.hard_limit) FROM {database}.quota_classes AS c"
        f" WHERE c.class_name = 'default' AND c.resource = {resource}{extra.format('c')})"
    )
    return f"COALESCE({of_project}, {of_class}, {default})"


def _rows(values: Mapping[str, str]) -> str:
    """A SELECT with a row for each project and type of value."""
    return " UNION ALL ".join(
        f"SELECT '{kind}' AS type, {_TENANT}, {value} AS value FROM {_PROJECTS}"
        for kind, value in values.items()
    )


def _of_project(name: str, description: str, value: str) -> Metric:
    return Metric(name, description, f"SELECT {_TENANT}, {value} AS value FROM {_PROJECTS}", _OF_TENANT)


def _nova() -> tuple[Metric, ...]:
    limits = {name: _limit("nova_api", f"'{name}'", usual) for name, usual in NOVA_DEFAULTS.items()}
    quotas = tuple(
        Metric(
            f"quota_{name}",
            f"A tenant's quota of {name}; -1: unlimited.",
            _rows({"in_use": _NOVA_USED.get(name, "0"), "reserved": "0", "limit": limit}),
            ("type", *_OF_TENANT),
        )
        for name, limit in limits.items()
    )
    words = {
        "vcpus": ("cores", "virtual CPUs"),
        "memory": ("ram", "MiB"),
        "instances": ("instances", "servers"),
    }
    return (
        *quotas,
        *(
            _of_project(f"limits_{word}_max", f"How many {what} a tenant may have.", limits[name])
            for word, (name, what) in words.items()
        ),
        *(
            _of_project(f"limits_{word}_used", f"How many {what} a tenant has.", _NOVA_USED[name])
            for word, (name, what) in words.items()
        ),
    )


def _neutron() -> tuple[Metric, ...]:
    found = []
    for name, usual in NEUTRON_DEFAULTS.items():
        counts = (
            f"(SELECT COUNT(*) FROM neutron.{table} AS x WHERE x.project_id = p.id)"
            for table in _NEUTRON_TABLES[name]
        )
        limit = (
            "COALESCE((SELECT MAX(q.`limit`) FROM neutron.quotas AS q"
            f" WHERE q.project_id = p.id AND q.resource = '{name}'), {usual})"
        )
        rows = _rows({"used": " + ".join(counts), "reserved": "0", "limit": limit})
        description = f"A tenant's quota of {name}; -1: unlimited."
        found.append(Metric(f"quota_{name}", description, rows, ("type", *_OF_TENANT)))
    return tuple(found)


def _cinder() -> tuple[Metric, ...]:
    there = " AND {}.deleted = 0"
    found = []
    for word, name in {"volume": "gigabytes", "backup": "backup_gigabytes"}.items():
        limit = _limit("cinder", f"'{name}'", CINDER_DEFAULTS[name], extra=there)
        used = (
            "COALESCE((SELECT SUM(u.in_use) FROM cinder.quota_usages AS u"
            f" WHERE u.project_id = p.id AND u.resource = '{name}' AND u.deleted = 0), 0)"
        )
        found.append(_of_project(f"limits_{word}_max_gb", f"GiB of a tenant's {word}s at most.", limit))
        found.append(_of_project(f"limits_{word}_used_gb", f"GiB of a tenant's {word}s.", used))
    limit = _limit("cinder", "CONCAT('gigabytes_', t.name)", -1, extra=there)
    found.append(
        Metric(
            "volume_type_quota_gigabytes",
            "GiB of a tenant's volumes of a type at most; -1: unlimited.",
            f"SELECT {_TENANT}, t.name AS volume_type, {limit} AS value FROM keystone.project AS p"
            " JOIN cinder.volume_types AS t ON t.deleted = 0 WHERE p.is_domain = 0",
            (*_OF_TENANT, "volume_type"),
        )
    )
    return tuple(found)


NOVA, NEUTRON, CINDER = _nova(), _neutron(), _cinder()
