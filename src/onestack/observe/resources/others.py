"""The metrics of Cinder, Glance, Keystone, Placement and Octavia."""

from __future__ import annotations

from onestack.observe.resources import quotas
from onestack.observe.resources.metric import Group, Metric, boolean, count, number_of, numbered
from onestack.platform.services import block_storage

_VOLUME_STATUSES = numbered(
    *("creating", "available", "reserved", "attaching", "detaching", "in-use", "maintenance", "deleting"),
    *("awaiting-transfer", "error", "error_deleting", "backing-up", "restoring-backup", "error_backing-up"),
    *("error_restoring", "error_extending", "downloading", "uploading", "retyping", "extending"),
)
_SERVER = """\
COALESCE((SELECT a.instance_uuid FROM cinder.volume_attachment AS a
          WHERE a.volume_id = v.id AND a.deleted = 0 AND a.attach_status = 'attached' LIMIT 1), '')"""
_VOLUMES = (
    "cinder.volumes AS v LEFT JOIN cinder.volume_types AS t ON t.id = v.volume_type_id WHERE v.deleted = 0"
)
_ALL_STATUSES = " UNION ALL ".join(f"SELECT '{each}' AS status" for each in _VOLUME_STATUSES)
CINDER = Group(
    "block-storage",
    "openstack_cinder",
    (
        count("volumes", "Volumes.", "cinder.volumes WHERE deleted = 0"),
        count("snapshots", "Snapshots of volumes.", "cinder.snapshots WHERE deleted = 0"),
        Metric(
            "volume_gb",
            "The size of a volume, in GiB.",
            "SELECT v.id, v.display_name AS name, v.status, v.availability_zone,"
            f" {boolean('v.bootable')} AS bootable, v.project_id AS tenant_id, v.user_id, t.name AS volume_type,"
            f" {_SERVER} AS server_id, v.size AS value FROM {_VOLUMES}",
            ("id", "name", "status", "availability_zone", "bootable", "tenant_id", "user_id", "volume_type",
             "server_id"),
        ),
        Metric(
            "volume_status",
            "The number of a volume's status.",
            f"SELECT v.id, v.display_name AS name, v.status, {boolean('v.bootable')} AS bootable,"
            f" v.project_id AS tenant_id, v.size, t.name AS volume_type, {_SERVER} AS server_id,"
            f" {number_of('v.status', _VOLUME_STATUSES)} AS value FROM {_VOLUMES}",
            ("id", "name", "status", "bootable", "tenant_id", "size", "volume_type", "server_id"),
        ),
        Metric(
            "volume_status_counter",
            "Volumes with a status.",
            f"SELECT a.status, COUNT(v.id) AS value FROM ({_ALL_STATUSES}) AS a"
            " LEFT JOIN cinder.volumes AS v ON v.status = a.status AND v.deleted = 0 GROUP BY a.status",
            ("status",),
        ),
        Metric(
            "agent_state",
            "Whether an agent reports; 1 or 0.",
            "SELECT s.uuid, s.host AS hostname, s.`binary` AS service,"
            " IF(s.disabled, 'disabled', 'enabled') AS adminState, s.availability_zone AS zone,"
            " s.disabled_reason AS disabledReason,"
            " TIMESTAMPDIFF(SECOND, COALESCE(s.updated_at, s.created_at), UTC_TIMESTAMP())"
            f" <= {block_storage.DOWN_SECONDS} AS value FROM cinder.services AS s WHERE s.deleted = 0",
            ("uuid", "hostname", "service", "adminState", "zone", "disabledReason"),
        ),
        *quotas.CINDER,
    ),
)  # fmt: skip
GLANCE = Group(
    "image",
    "openstack_glance",
    (
        count("images", "Images.", "glance.images WHERE deleted = 0"),
        Metric(
            "image_bytes",
            "The size of an image.",
            "SELECT id, name, owner AS tenant_id, COALESCE(size, 0) AS value FROM glance.images WHERE deleted = 0",
            ("id", "name", "tenant_id"),
        ),
        Metric(
            "image_created_at",
            "When an image was created, Unix time.",
            f"SELECT id, name, owner AS tenant_id, visibility, {boolean('os_hidden')} AS hidden, status,"
            " TIMESTAMPDIFF(SECOND, '1970-01-01', created_at) AS value FROM glance.images WHERE deleted = 0",
            ("id", "name", "tenant_id", "visibility", "hidden", "status"),
        ),
    ),
)
# A domain is a project, too; above all domains is one that no API shows.
_ROOT = "id <> '<<keystone.domain.root>>'"
_PROJECTS = f"keystone.project WHERE is_domain = 0 AND {_ROOT}"
_DOMAINS = f"keystone.project WHERE is_domain = 1 AND {_ROOT}"
KEYSTONE = Group(
    "identity",
    "openstack_identity",
    (
        count("domains", "Domains.", _DOMAINS),
        Metric(
            "domain_info",
            "A domain; 1.",
            f"SELECT description, {boolean('enabled')} AS enabled, id, name, 1 AS value FROM {_DOMAINS}",
            ("description", "enabled", "id", "name"),
        ),
        count("users", "Users.", "keystone.`user`"),
        count("groups", "Groups.", "keystone.`group`"),
        count("projects", "Projects.", _PROJECTS),
        Metric(
            "project_info",
            "A project; 1.",
            f"SELECT {boolean('is_domain')} AS is_domain, description, domain_id, {boolean('enabled')} AS enabled,"
            " id, name, parent_id, COALESCE((SELECT GROUP_CONCAT(t.name ORDER BY t.name SEPARATOR ',')"
            " FROM keystone.project_tag AS t WHERE t.project_id = project.id), '') AS tags, 1 AS value"
            f" FROM {_PROJECTS}",
            ("is_domain", "description", "domain_id", "enabled", "id", "name", "parent_id", "tags"),
        ),
        count("regions", "Regions.", "keystone.region"),
    ),
)
_INVENTORIES = """\
placement.inventories AS i JOIN placement.resource_providers AS p ON p.id = i.resource_provider_id
JOIN placement.resource_classes AS c ON c.id = i.resource_class_id"""
_USED = """\
COALESCE((SELECT SUM(a.used) FROM placement.allocations AS a WHERE a.resource_provider_id = p.id
          AND a.resource_class_id = c.id), 0)"""


def _of_provider(name: str, description: str, value: str) -> Metric:
    return Metric(
        name,
        description,
        f"SELECT p.name AS hostname, c.name AS resourcetype, {value} AS value FROM {_INVENTORIES}",
        ("hostname", "resourcetype"),
    )


PLACEMENT = Group(
    "placement",
    "openstack_placement",
    (
        _of_provider("resource_total", "What a host has of a resource.", "i.total"),
        _of_provider("resource_allocation_ratio", "How often it may be given.", "i.allocation_ratio"),
        _of_provider("resource_reserved", "What of it is reserved.", "i.reserved"),
        _of_provider("resource_usage", "What of it is given.", _USED),
        _of_provider("resource_generation", "The generation of a host's inventory.", "p.generation"),
        Metric(
            "resource_provider_allocations",
            "What a server has of a host's resource.",
            "SELECT p.name AS hostname, c.name AS resourcetype, a.consumer_id AS uuid, a.used AS value"
            " FROM placement.allocations AS a JOIN placement.resource_providers AS p"
            " ON p.id = a.resource_provider_id JOIN placement.resource_classes AS c ON c.id = a.resource_class_id",
            ("hostname", "resourcetype", "uuid"),
        ),
    ),
)
_BALANCER_STATUSES = numbered("ONLINE", "DRAINING", "OFFLINE", "ERROR", "NO_MONITOR")
_POOL_STATUSES = numbered("ACTIVE", "DELETED", "ERROR", "PENDING_CREATE", "PENDING_UPDATE", "PENDING_DELETE")
OCTAVIA = Group(
    "load-balancer",
    "openstack_loadbalancer",
    (
        count(
            "total_loadbalancers", "Load balancers.", "octavia.load_balancer WHERE provisioning_status <> 'DELETED'"
        ),
        Metric(
            "loadbalancer_status",
            "The number of a load balancer's operating status.",
            "SELECT b.id, b.name, b.project_id, b.operating_status, b.provisioning_status, b.provider,"
            f" v.ip_address AS vip_address, {number_of('b.operating_status', _BALANCER_STATUSES)} AS value"
            " FROM octavia.load_balancer AS b LEFT JOIN octavia.vip AS v ON v.load_balancer_id = b.id"
            " WHERE b.provisioning_status <> 'DELETED'",
            ("id", "name", "project_id", "operating_status", "provisioning_status", "provider", "vip_address"),
        ),
        count("total_amphorae", "Amphorae: this cloud's load balancers have none.", "octavia.amphora"),
        count("total_pools", "Pools.", "octavia.pool"),
        Metric(
            "pool_status",
            "The number of a pool's provisioning status.",
            "SELECT id, provisioning_status, name, load_balancer_id AS loadbalancers, protocol, lb_algorithm,"
            f" operating_status, project_id, {number_of('provisioning_status', _POOL_STATUSES)} AS value"
            " FROM octavia.pool",
            ("id", "provisioning_status", "name", "loadbalancers", "protocol", "lb_algorithm", "operating_status",
             "project_id"),
        ),
    ),
)  # fmt: skip
