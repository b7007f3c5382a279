"""What the tool and the runtime both know of each other.

The tool (`onestack`) writes configuration, starts processes and reads what they leave behind. The runtime
(`onestack_runtime`) is what runs inside OpenStack's processes, in another environment. Neither imports the other, so
the names on which they meet stand in this file, which both have, to the letter. The original is the tool's; this
renews the runtime's, and a test fails where they differ:

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
"""In place of ETC."""
TUNING: Final = "ONESTACK_TUNING"
"""Which replacements a runner installs: `full`, `none` (only those that are required), or `full -NAME -NAME`."""
FAKE_HOSTS: Final = "ONESTACK_FAKE_HOSTS"
"""Which hosts Nova's fake driver is given: `3` is fake-1 to fake-3, `4-6` is fake-4 to fake-6."""
WORKERS: Final = "ONESTACK_WORKERS"
"""The workers that a project's process starts, separated by commas; all of them where it is not set."""
LAYOUT: Final = "ONESTACK_LAYOUT"
"""CLUSTER where other processes of the same project run on other hosts; not set where this one is all of it."""
CLUSTER: Final = "cluster"
STATIC_ROOT: Final = "ONESTACK_STATIC_ROOT"
"""In place of DASHBOARD, while the static files are made."""

# Modules and classes of the runtime by their dotted names, and folders of it.
RUNNERS: Final = "onestack_runtime.runners"
"""A project's runner is the module of its name in here."""
MIGRATE: Final = "onestack_runtime.admin.migrate"
BOOTSTRAP: Final = "onestack_runtime.admin.bootstrap"
MANAGE: Final = "onestack_runtime.admin.manage"
BALANCER_CHECK: Final = "onestack_runtime.drivers.balancer.check"
FILE_DRIVER: Final = "onestack_runtime.drivers.volumes.driver.FileDriver"
LOGICAL_DRIVER: Final = "onestack_runtime.drivers.volumes.lvm.LogicalVolumeDriver"
DASHBOARD_SITE: Final = "onestack_runtime/runners/horizon/site"
"""The dashboard's settings, and the program that makes its static files."""

# Names under which OpenStack finds what is in the runtime: entry points in runtime/pyproject.toml, Nova's drivers.
BUS: Final = "onestack"
"""The driver of oslo.messaging; a transport_url begins with it."""
FAKE_MECHANISM_DRIVER: Final = "onestack_fake_hosts"
FAKE_COMPUTE_DRIVER: Final = "onestack_fake.FakeHost"
BALANCER_PROVIDER: Final = "haproxy"
BALANCER_ALIASES: Final = ("amphora", "octavia")
"""Upstream's names of its default provider, which manifests and suites say without meaning a virtual machine. The
name that was said stays on the balancer; the replacement `provider-names` has Octavia load our driver for it."""
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
"""Below which path the API gateway and a project's process have its API."""
HEALTH_PATH: Final = "/healthcheck"
"""Below an API's path: 200 once all of the process works."""
METADATA: Final = "nova-metadata"
CONSOLE: Final = "nova-console"
"""Of Nova's two further sockets."""
CONSOLE_PATH: Final = "console"
GATEWAY_GROUP: Final = "haproxy"
"""The group of the API gateway, which opens the sockets."""
TOKEN_CACHE: Final = "onestack.token_cache"
"""Where in a request's WSGI environment keystonemiddleware finds the cache of validated tokens."""


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
ACTIVE_KEYS: Final = 3
"""With one rotation a day: staged, primary, and the one before."""
OVSDB_SOCKET: Final = f"{RUN}/openvswitch/db.sock"
INTEGRATION_BRIDGE: Final = "br-int"

# Fake hosts.
FAKE_HOST_PREFIX: Final = "fake-"
"""They are called fake-1 … fake-N."""
FAKE_HOST_SIZE: Final = (64, 262144, 10000)
"""Of each: processors, MiB of memory, GB of disk."""

# Load balancers.
BALANCERS: Final = f"{LIB}/octavia/balancers"
"""A folder for each, named by its id."""
BALANCER_SOCKETS: Final = f"{RUN}/octavia/balancers"
"""A folder for each, named by `balancer_name`, with these in it."""
HAPROXY_SOCKET: Final = "runtime.sock"
HAPROXY_PID: Final = "pid"
BALANCER_PREFIX: Final = "lb-"
CERTIFICATES: Final = f"{LIB}/octavia/certificates"
"""<project>/<id>, a folder with these in it: ABOUT and the certificate's files, or ABOUT and a secret."""
ABOUT: Final = "about.json"
CERTIFICATE: Final = "certificate.pem"
PRIVATE_KEY: Final = "key.pem"
CHAIN: Final = "chain.pem"
SECRET: Final = "secret.pem"


def balancer_name(ident: str) -> str:
    """Of a balancer's network namespace, and of the outer end of its interface (which has room for 15 characters)."""
    return BALANCER_PREFIX + ident.replace("-", "")[:11]


# Volumes.
FILE_PROTOCOL: Final = "onestack_file"
"""What Cinder, os-brick and Nova call a volume that is a file (Cinder's driver_volume_type)."""
LOGICAL_PROTOCOL: Final = "onestack_lvm"
"""The same for a logical volume of the host."""
VENDOR: Final = "OneStack"
FILE_FOLDER: Final = "file_volumes_dir"
"""The option of FILE_DRIVER that names a backend's folder."""
VOLUME_FILES: Final = "volume-*"
VOLUME_NOTE: Final = ".info"
"""At the end of the name of a JSON file: which file of the volume is on top, and which came with each snapshot."""
VOLUME_ACTIVE: Final = "active"
"""The key in there of the one on top."""
QCOW2_MAGIC: Final = b"QFI\xfb"
QCOW2_HEADER: Final = ">4sIQIIQ"
"""As `struct` reads it: magic, version, offset and length of the name of the file beneath, cluster bits, size."""

# What is written as JSON by one and read by the other.
REPLACEMENTS: Final = "replacements"
"""In the cloud's run folder: PROJECT.json, a `ReplacementsNote`, written when the project's process starts."""
ReplacementKind = Literal["required", "performance"]
SkippedBecause = Literal["tuning", "digest", "layout"]


class ActiveReplacement(TypedDict):
    """`targets`: the attributes that were replaced, by their dotted names."""

    name: str
    kind: ReplacementKind
    targets: list[str]


class SkippedReplacement(TypedDict):
    """`because`: the spec wants none (`tuning`), upstream is not what it was written against (`digest`), or it holds
    only where one process is all of its project (`layout`)."""

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
    """A service as Keystone's catalogue has it."""

    type: str
    name: str
    url: str


class Bootstrap(TypedDict):
    """What BOOTSTRAP reads from its standard input. `url`: the Identity API's; `password`: the administrator's;
    `users`: password by service user."""

    url: str
    region: str
    password: str
    users: dict[str, str]
    services: list[CatalogueEntry]
