"""What is wanted: one file, read into values that know their line. Pure but for reading that file."""

from onestack.language.diagnostics import BadSpec, Diagnostic
from onestack.spec.backends import Backend, Volumes
from onestack.spec.computing import Flavor, Server
from onestack.spec.json_schema import schema
from onestack.spec.load import default, load, loads
from onestack.spec.markdown import reference
from onestack.spec.model import Host, Spec
from onestack.spec.platform import Compute, External, Listen, Network, Platform
from onestack.spec.tenants import Quota, Tenant

__all__ = [
    "Backend",
    "BadSpec",
    "Compute",
    "Diagnostic",
    "External",
    "Flavor",
    "Host",
    "Listen",
    "Network",
    "Platform",
    "Quota",
    "Server",
    "Spec",
    "Tenant",
    "Volumes",
    "default",
    "load",
    "loads",
    "reference",
    "schema",
]
