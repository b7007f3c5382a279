"""Names and formats that the tool and the runtime share.

The tool (`onestack`) writes configuration, starts processes and reads their files. The runtime (`onestack_runtime`)
runs inside OpenStack's processes, in another Python environment. Neither imports the other, so the names that both
use are in this file, of which both have the same copy. The tool's is the original; this renews the runtime's, and a
test fails if they differ:

    cp src/onestack/core/contract.py runtime/src/onestack_runtime/contract.py
"""

from __future__ import annotations

from typing import Final, Literal, TypedDict

# Folders inside the cloud's mount namespace.
ETC: Final = "/etc/onestack"
LIB: Final = "/var/lib"
RUN: Final = "/run"
API_SOCKETS: Final = f"{RUN}/api"
ENVIRONMENT: Final = "/usr/lib/onestack"
"""OpenStack's packages."""
RUNTIME: Final = "/usr/lib/onestack-runtime"
DASHBOARD: Final = "/usr/lib/onestack-dashboard"
"""The dashboard's static files."""

# Environment variables.
ETC_VARIABLE: Final = "ONESTACK_ETC"
"""Overrides ETC."""
TUNING: Final = "ONESTACK_TUNING"
"""Which replacements a runner installs: `full`, `none` (only those that are required), or `full -NAME -NAME`."""
FAKE_HOSTS: Final = "ONESTACK_FAKE_HOSTS"
"""The hosts of Nova's fake driver: `3` means fake-1 to fake-3, `4-6` means fake-4 to fake-6."""
VOLUME_HOSTS: Final = "ONESTACK_VOLUME_HOSTS"
"""Cinder's backends, the default first, each with the host that stores its volumes: `files=c1,pool=`. Only that
host's servers can use them; without one, those of all hosts."""
WORKERS: Final = "ONESTACK_WORKERS"
"""The workers that a project's process starts, separated by commas; all if it is not set."""
API_ONLY: Final = "api"
"""The value of WORKERS for a process that answers requests, and has none of the workers behind them."""
LAYOUT: Final = "ONESTACK_LAYOUT"
"""CLUSTER if other processes of the same project run on other hosts; not set if this is its only process."""
CLUSTER: Final = "cluster"
STATIC_ROOT: Final = "ONESTACK_STATIC_ROOT"
"""Overrides DASHBOARD, while the static files are generated."""

# Modules and classes of the runtime by their dotted names, and folders of it.
RUNNERS: Final = "onestack_runtime.runners"
"""The package of the runners; each is a module with its project's name."""
MIGRATE: Final = "onestack_runtime.admin.migrate"
EXPAND: Final = "expand"
"""A second word for MIGRATE: only what the series before does not mind, which may still run."""
BOOTSTRAP: Final = "onestack_runtime.admin.bootstrap"
MANAGE: Final = "onestack_runtime.admin.manage"
KEY_ROTATION: Final = "onestack_runtime.admin.key_rotation"
DATABASE_CHECK: Final = "onestack_runtime.serving.database_check"
BALANCER_CHECK: Final = "onestack_runtime.drivers.balancer.check"
FILE_DRIVER: Final = "onestack_runtime.drivers.volumes.driver.FileDriver"
RSYNC_SHELL: Final = "onestack_runtime.drivers.rsync.shell"
RSYNC_SERVER: Final = "onestack_runtime.drivers.rsync.server"
LOGICAL_DRIVER: Final = "onestack_runtime.drivers.volumes.lvm.LogicalVolumeDriver"
VOLUME_FILTERS: Final = "onestack_runtime.drivers.volumes.scheduling.filters"
"""Nova's filters and VOLUME_FILTER, for its option `available_filters`."""
VOLUME_FILTER: Final = "LocalVolumeFilter"
VOLUME_HINT: Final = "local_to_volume"
"""A hint for Nova's scheduler: the id of a volume that will be attached to the new server."""
DASHBOARD_SITE: Final = "onestack_runtime/runners/horizon/site"
"""The dashboard's settings, and the program that generates its static files."""

# Names under which OpenStack finds what is in the runtime: entry points in runtime/pyproject.toml, Nova's drivers.
BUS: Final = "onestack"
"""The driver of oslo.messaging; a transport_url begins with it."""
FAKE_MECHANISM_DRIVER: Final = "onestack_fake_hosts"
FAKE_COMPUTE_DRIVER: Final = "onestack_fake.FakeHost"
LIBVIRT_DRIVER: Final = "onestack_libvirt.LibvirtDriver"
"""Nova's libvirt driver on a host that does not store the cloud's volumes."""
BALANCER_PROVIDER: Final = "haproxy"
BALANCER_ALIASES: Final = ("amphora", "octavia")
"""Upstream's names of its default provider (amphora), which manifests and test suites use although they need no
virtual machine. A balancer keeps the name; the replacement `provider-names` lets Octavia load our driver for it."""
BALANCER_NAMES: Final = (BALANCER_PROVIDER, *BALANCER_ALIASES)
CERTIFICATE_MANAGER: Final = "onestack"

# The APIs.
API_PATHS: Final = {
    "keystone": "identity",
    "glance": "image",
    "placement": "placement",
    "neutron": "networking",
    "nova": "compute",
    "cinder": "volume",
    "octavia": "load-balancer",
    "horizon": "dashboard",
}
"""The path of each API, at the API gateway and in the project's process."""
HEALTH_PATH: Final = "/healthcheck"
"""Below an API's path; it answers 200 when all parts of the process are up."""
METADATA: Final = "nova-metadata"
CONSOLE: Final = "nova-console"
"""The names of Nova's two further sockets."""
CONSOLE_PATH: Final = "console"
GATEWAY_GROUP: Final = "haproxy"
"""The group of the API gateway, which opens the sockets."""
TOKEN_CACHE: Final = "onestack.token_cache"
"""The key in a request's WSGI environment under which keystonemiddleware finds the cache of validated tokens."""


def socket(name: str) -> str:
    """The unix socket of a project's API, or of METADATA or CONSOLE."""
    return f"{API_SOCKETS}/{name}.sock"


# Configuration and state of projects.
CONFIGURATION: Final = {
    "keystone": ("keystone/keystone.conf",),
    "glance": ("glance/glance-api.conf",),
    "placement": ("placement/placement.conf",),
    "neutron": ("neutron/neutron.conf", "neutron/ml2_conf.ini"),
    "nova": ("nova/nova.conf",),
    "cinder": ("cinder/cinder.conf",),
    "octavia": ("octavia/octavia.conf",),
    "horizon": ("horizon/settings.json",),
}
"""The files below ETC that a project's processes and management commands read."""
KEYS: Final = f"{LIB}/keystone"
TOKEN_KEYS: Final = f"{KEYS}/fernet-keys"
RECEIPT_KEYS: Final = f"{KEYS}/receipt-keys"
CREDENTIAL_KEYS: Final = f"{KEYS}/credential-keys"
KEYS_SECRET: Final = "keystone/keys-secret"
"""Below ETC, with several control hosts: the secret that token and receipt keys are derived from on each of them."""
GIVEN_CREDENTIAL_KEYS: Final = "keystone/given-credential-keys"
"""Below ETC: the leader's credential keys, for other control hosts."""
ACTIVE_KEYS: Final = 3
"""Enough for one rotation a day: the staged key, the primary key, and the one before."""
AUDIT_LOG: Final = "/var/log/audit/audit.jsonl"
"""One record a line; older ones in files with .1, .2 … after the name."""
AUDIT_BYTES: Final = 20_000_000
AUDIT_FILES: Final = 10
"""The size at which the file becomes an older one, and how many of those are kept: 220 MB together."""
OVSDB_SOCKET: Final = f"{RUN}/openvswitch/db.sock"
INTEGRATION_BRIDGE: Final = "br-int"

# Fake hosts.
FAKE_HOST_PREFIX: Final = "fake-"
"""Fake hosts are named fake-1 … fake-N."""
FAKE_HOST_SIZE: Final = (64, 262144, 10000)
"""The size of each: vCPUs, MiB of memory, GB of disk."""

# Load balancers.
BALANCERS: Final = f"{LIB}/octavia/balancers"
"""Contains a folder for each balancer, named by its id."""
BALANCER_SOCKETS: Final = f"{RUN}/octavia/balancers"
"""Contains a folder for each balancer, named by `balancer_name`, with the following files."""
HAPROXY_SOCKET: Final = "runtime.sock"
HAPROXY_PID: Final = "pid"
BALANCER_PREFIX: Final = "lb-"
CERTIFICATES: Final = f"{LIB}/octavia/certificates"
"""Contains folders PROJECT/ID with the following files: ABOUT and a certificate's files, or ABOUT and a secret."""
ABOUT: Final = "about.json"
CERTIFICATE: Final = "certificate.pem"
PRIVATE_KEY: Final = "key.pem"
CHAIN: Final = "chain.pem"
SECRET: Final = "secret.pem"


def balancer_name(ident: str) -> str:
    """The name of a balancer's network namespace, and of the outer end of its veth pair (at most 15 characters)."""
    return BALANCER_PREFIX + ident.replace("-", "")[:11]


# Volumes.
FILE_PROTOCOL: Final = "onestack_file"
"""The `driver_volume_type` of volumes in files, for Cinder, os-brick and Nova."""
LOGICAL_PROTOCOL: Final = "onestack_lvm"
"""The `driver_volume_type` of logical volumes of the host."""
VENDOR: Final = "OneStack"
FILE_FOLDER: Final = "file_volumes_dir"
"""FILE_DRIVER's option that names a backend's folder."""
VOLUME_FILES: Final = "volume-*"
VOLUME_NOTE: Final = ".info"
"""The end of the name of a volume's info file (JSON), which names the active file and the one of each snapshot."""
VOLUME_ACTIVE: Final = "active"
"""The key of the active file in the info file."""
QCOW2_MAGIC: Final = b"QFI\xfb"
QCOW2_HEADER: Final = ">4sIQIIQ"
"""For `struct`: magic, version, offset and length of the backing file's name, cluster bits, virtual size."""

# JSON documents that one program writes and the other reads.
RSYNC_SETTINGS: Final = "rsync/rsync.json"
"""The file below ETC with `RsyncSettings`."""


class RsyncSettings(TypedDict):
    """How guests' files are copied between compute hosts. `address`, `port`: where this host's server listens.
    `socket`: its unix socket, which accepts connections when it is ready. `folder`: that of guests' files. `hosts`:
    the address of each compute host by its name. `ca`, `certificate`, `key`: the files for TLS."""

    address: str
    port: int
    socket: str
    folder: str
    hosts: dict[str, str]
    ca: str
    certificate: str
    key: str


REPLACEMENTS: Final = "replacements"
"""A folder in the cloud's run folder, with a `ReplacementsNote` in PROJECT.json, written when the process starts."""
ReplacementKind = Literal["required", "performance"]
SkippedBecause = Literal["tuning", "digest", "layout", "series"]


class ActiveReplacement(TypedDict):
    """`targets`: the attributes that were replaced, by their dotted names."""

    name: str
    kind: ReplacementKind
    targets: list[str]


class SkippedReplacement(TypedDict):
    """`because`: the spec excludes it (`tuning`), upstream's code has another digest (`digest`), or it works only
    if its project has one process (`layout`)."""

    name: str
    because: SkippedBecause
    detail: str


class ReplacementsNote(TypedDict):
    """`tuning`: the value of TUNING."""

    runner: str
    tuning: str
    active: list[ActiveReplacement]
    skipped: list[SkippedReplacement]


class CatalogueEntry(TypedDict):
    """A service in Keystone's catalogue."""

    type: str
    name: str
    url: str


class ServiceUser(TypedDict):
    """A user in the project `service`, and its roles there."""

    password: str
    roles: list[str]


class Bootstrap(TypedDict):
    """What BOOTSTRAP reads from its standard input. `url`: the Identity API's; `password`: the administrator's;
    `users`: the service users, by name."""

    url: str
    region: str
    password: str
    users: dict[str, ServiceUser]
    services: list[CatalogueEntry]
