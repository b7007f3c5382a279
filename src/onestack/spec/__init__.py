"""The spec: one YAML file, parsed into models whose values know their lines. Pure, except for reading the file."""

from onestack.language.diagnostics import BadSpec, Diagnostic
from onestack.spec.backends import Backend, Volumes
from onestack.spec.external import External
from onestack.spec.json_schema import schema
from onestack.spec.load import default, load, loads
from onestack.spec.markdown import reference
from onestack.spec.model import Host, Spec
from onestack.spec.platform import Compute, Listen, Network, Platform
from onestack.spec.tenants import Tenant
from onestack.workloads.resources.flavor import FLAVORS, Flavor
from onestack.workloads.resources.quota import Quota
from onestack.workloads.resources.scaling_group import ScalingGroup
from onestack.workloads.resources.server import Server

__all__ = [
    "FLAVORS",
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
    "ScalingGroup",
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
