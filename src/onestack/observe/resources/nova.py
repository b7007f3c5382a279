"""Nova's metrics: servers, flavors, hosts and their agents."""

from __future__ import annotations

from onestack.observe.resources import quotas
from onestack.observe.resources.metric import Group, Metric, boolean, count, number_of, numbered

DOWN_SECONDS = 60
"""Nova's `service_down_time`: an agent without a report for so long is down."""
STATUSES = numbered(
    *(
        "ACTIVE",
        "BUILD",
        "BUILD(spawning)",
        "DELETED",
        "ERROR",
        "HARD_REBOOT",
        "PASSWORD",
        "REBOOT",
        "REBUILD",
    ),
    *("RESCUE", "RESIZE", "SHUTOFF", "SUSPENDED", "UNKNOWN", "VERIFY_RESIZE", "MIGRATING", "PAUSED"),
    *("REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED"),
)
# As nova.api.openstack.common.status_from_state has it.
STATUS = """\
CASE
  WHEN s.vm_state = 'building' THEN 'BUILD'
  WHEN s.task_state LIKE 'rebuil%' THEN 'REBUILD'
  WHEN s.task_state = 'resize_reverting' THEN 'REVERT_RESIZE'
  WHEN s.vm_state IN ('active', 'stopped') AND s.task_state LIKE 'resize%' THEN 'RESIZE'
  WHEN s.vm_state IN ('active', 'paused') AND s.task_state = 'migrating' THEN 'MIGRATING'
  WHEN s.vm_state = 'active' AND s.task_state IN ('rebooting', 'reboot_pending', 'reboot_started') THEN 'REBOOT'
  WHEN s.task_state LIKE 'reboot%hard' THEN 'HARD_REBOOT'
  WHEN s.vm_state = 'active' AND s.task_state = 'updating_password' THEN 'PASSWORD'
  ELSE CASE s.vm_state
    WHEN 'active' THEN 'ACTIVE' WHEN 'stopped' THEN 'SHUTOFF' WHEN 'resized' THEN 'VERIFY_RESIZE'
    WHEN 'paused' THEN 'PAUSED' WHEN 'suspended' THEN 'SUSPENDED' WHEN 'rescued' THEN 'RESCUE'
    WHEN 'error' THEN 'ERROR' WHEN 'deleted' THEN 'DELETED' WHEN 'soft-delete' THEN 'SOFT_DELETED'
    WHEN 'shelved' THEN 'SHELVED' WHEN 'shelved_offloaded' THEN 'SHELVED_OFFLOADED' ELSE 'UNKNOWN'
  END
END"""
_COLUMNS = (
    "uuid, display_name, project_id, user_id, access_ip_v4, access_ip_v6, host, node, availability_zone,"
    " instance_type_id, vm_state, task_state, root_gb, ephemeral_gb, id"
)
# Servers for which no host was found are in the database of cell 0.
_SERVERS = f"""\
(SELECT {_COLUMNS} FROM nova.instances WHERE deleted = 0
 UNION ALL SELECT {_COLUMNS} FROM nova_cell0.instances WHERE deleted = 0)"""
_ZONE = """\
COALESCE((SELECT m.value FROM nova_api.aggregate_hosts AS a
          JOIN nova_api.aggregate_metadata AS m ON m.aggregate_id = a.aggregate_id AND m.`key` = 'availability_zone'
          WHERE a.host = {host} LIMIT 1), 'nova')"""
_AGGREGATES = """\
COALESCE((SELECT GROUP_CONCAT(g.name ORDER BY g.name SEPARATOR ',') FROM nova_api.aggregate_hosts AS a
          JOIN nova_api.aggregates AS g ON g.id = a.aggregate_id WHERE a.host = {host}), '')"""
_OF_HOST = ("hostname", "availability_zone", "aggregates")


def _of_host(name: str, description: str, value: str) -> Metric:
    zone, aggregates = (each.format(host="c.host") for each in (_ZONE, _AGGREGATES))
    return Metric(
        name,
        description,
        f"SELECT c.hypervisor_hostname AS hostname, {zone} AS availability_zone, {aggregates} AS aggregates,"
        f" {value} AS value FROM nova.compute_nodes AS c WHERE c.deleted = 0",
        _OF_HOST,
    )


METRICS = (
    count("flavors", "Flavors.", "nova_api.flavors"),
    Metric(
        "flavor",
        "A flavor; 1.",
        "SELECT flavorid AS id, name, vcpus, memory_mb AS ram, root_gb AS disk,"
        f" {boolean('is_public')} AS is_public, 1 AS value FROM nova_api.flavors",
        ("id", "name", "vcpus", "ram", "disk", "is_public"),
    ),
    Metric(
        "availability_zones",
        "Availability zones with hosts.",
        f"SELECT COUNT(DISTINCT {_ZONE.format(host='c.host')}) AS value FROM nova.compute_nodes AS c"
        " WHERE c.deleted = 0",
    ),
    count("total_vms", "Servers.", f"{_SERVERS} AS s"),
    Metric(
        "running_vms",
        "Servers that are ACTIVE, by host and tenant.",
        "SELECT s.node AS hostname, s.availability_zone, '' AS aggregates, s.project_id AS tenant_id,"
        f" COUNT(*) AS value FROM {_SERVERS} AS s WHERE {STATUS} = 'ACTIVE'"
        " GROUP BY s.node, s.availability_zone, s.project_id",
        ("hostname", "availability_zone", "aggregates", "tenant_id"),
    ),
    Metric(
        "server_status",
        "The number of a server's status.",
        f"SELECT s.uuid AS id, {STATUS} AS status, s.display_name AS name, s.project_id AS tenant_id, s.user_id,"
        " s.access_ip_v4 AS address_ipv4, s.access_ip_v6 AS address_ipv6,"
        " IF(s.host IS NULL, '', SHA2(CONCAT(s.project_id, s.host), 224)) AS host_id,"
        " s.node AS hypervisor_hostname, s.uuid AS uuid, s.availability_zone, f.flavorid AS flavor_id,"
        f" CONCAT('instance-', LPAD(LOWER(HEX(s.id)), 8, '0')) AS instance_libvirt,"
        f" {number_of(STATUS, STATUSES)} AS value"
        f" FROM {_SERVERS} AS s LEFT JOIN nova_api.flavors AS f ON f.id = s.instance_type_id",
        ("id", "status", "name", "tenant_id", "user_id", "address_ipv4", "address_ipv6", "host_id",
         "hypervisor_hostname", "uuid", "availability_zone", "flavor_id", "instance_libvirt"),
    ),
    Metric(
        "server_local_gb",
        "GiB of a server's disks that are not volumes.",
        "SELECT s.display_name AS name, s.uuid AS id, s.project_id AS tenant_id,"
        f" s.root_gb + s.ephemeral_gb AS value FROM {_SERVERS} AS s",
        ("name", "id", "tenant_id"),
    ),
    Metric(
        "agent_state",
        "Whether an agent reports; 1 or 0.",
        "SELECT s.uuid AS id, s.host AS hostname, s.`binary` AS service,"
        " IF(s.disabled, 'disabled', 'enabled') AS adminState,"
        f" IF(s.`binary` = 'nova-compute', {_ZONE.format(host='s.host')}, 'internal') AS zone,"
        " s.disabled_reason AS disabledReason, NOT s.forced_down AND"
        f" TIMESTAMPDIFF(SECOND, COALESCE(s.last_seen_up, s.updated_at, s.created_at), UTC_TIMESTAMP())"
        f" <= {DOWN_SECONDS} AS value FROM nova.services AS s WHERE s.deleted = 0"
        # Nor does the API list these; they do not report.
        " AND s.`binary` NOT IN ('nova-osapi_compute', 'nova-metadata')",
        ("id", "hostname", "service", "adminState", "zone", "disabledReason"),
    ),
    _of_host("current_workload", "Tasks of a host.", "COALESCE(c.current_workload, 0)"),
    _of_host("vcpus_available", "Virtual CPUs of a host.", "c.vcpus"),
    _of_host("vcpus_used", "Virtual CPUs of a host's servers.", "c.vcpus_used"),
    _of_host("memory_available_bytes", "Memory of a host.", "c.memory_mb * 1048576"),
    _of_host("memory_used_bytes", "Memory of a host's servers, and what is reserved.", "c.memory_mb_used * 1048576"),
    _of_host("local_storage_available_bytes", "Disk of a host.", "c.local_gb * 1073741824"),
    _of_host("local_storage_used_bytes", "Disk of a host's servers.", "c.local_gb_used * 1073741824"),
    _of_host("free_disk_bytes", "Disk of a host that is free.", "COALESCE(c.free_disk_gb, 0) * 1073741824"),
)  # fmt: skip
DOMAIN_INFO = Metric(
    "openstack_info",
    "Whose server a domain of libvirt's is; 1.",
    f"SELECT CONCAT('instance-', LPAD(LOWER(HEX(s.id)), 8, '0')) AS domain, s.display_name AS instance_name,"
    " s.uuid AS instance_id, f.name AS flavor_name, COALESCE(u.name, s.user_id) AS user_name, s.user_id,"
    f" p.name AS project_name, s.project_id, 1 AS value FROM {_SERVERS} AS s"
    " LEFT JOIN nova_api.flavors AS f ON f.id = s.instance_type_id"
    " LEFT JOIN keystone.project AS p ON p.id = s.project_id"
    " LEFT JOIN keystone.local_user AS u ON u.user_id = s.user_id WHERE s.host IS NOT NULL",
    (
        "domain",
        "instance_name",
        "instance_id",
        "flavor_name",
        "user_name",
        "user_id",
        "project_name",
        "project_id",
    ),
    prefix="libvirt_domain",
)
"""Under libvirt-exporter's name: the other metrics of guests (`observe.libvirt`) know domains only."""
GROUP = Group("compute", "openstack_nova", (*METRICS, *quotas.NOVA, DOMAIN_INFO))
