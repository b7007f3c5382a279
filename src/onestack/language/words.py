"""The types of values in tenants and their resources, and the references between resources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from onestack.language.types import (
    Int,
    Problem,
    Section,
    Text,
    as_written,
    kind_of,
    only_text,
    pattern,
    refused,
    text_schema,
    words,
)

_RESOURCE = r"[^\s/,](?:[^/,\n]{0,118}[^\s/,])?"
_RESOURCE_WORDS = "1 to 120 characters without '/' or ',', no blank at either end"
_ANY_CIDR = "a network with its prefix length: 10.1.0.0/24, 2001:db8::/64"
_SECRET = "env:VARIABLE, file:/absolute/path or generated"
_CONTENT = "the text itself, or file:PATH"
_PORTS = "a port (80), a range (8000-8100) or any"

ResourceName = Annotated[
    str, pattern(_RESOURCE, _RESOURCE_WORDS), text_schema(_RESOURCE_WORDS, pattern=f"^{_RESOURCE}$")
]


@dataclass(frozen=True)
class Refers:
    """The value is the name of an item of the list `list`, in the nearest enclosing section that has such a list."""

    list: str


def _reference(where: str) -> tuple[Any, ...]:
    allowed = f"the name of one of the {where.replace('_', ' ')}"
    return pattern(_RESOURCE, allowed), text_schema(allowed), Refers(where)


TenantRef = Annotated[str, *_reference("tenants")]
UserRef = Annotated[str, *_reference("users")]
DomainRef = Annotated[str, *_reference("domains")]
RoleRef = Annotated[str, *_reference("roles")]
NetworkRef = Annotated[str, *_reference("networks")]
SecurityGroupRef = Annotated[str, *_reference("security_groups")]
AddressGroupRef = Annotated[str, *_reference("address_groups")]
QosPolicyRef = Annotated[str, *_reference("qos_policies")]
PortRef = Annotated[str, *_reference("ports")]
ServerRef = Annotated[str, *_reference("servers")]
FlavorRef = Annotated[str, *_reference("flavors")]
ImageRef = Annotated[str, *_reference("images")]
KeypairRef = Annotated[str, *_reference("keypairs")]
ServerGroupRef = Annotated[str, *_reference("server_groups")]
VolumeRef = Annotated[str, *_reference("volumes")]
VolumeTypeRef = Annotated[str, *_reference("volume_types")]
SnapshotRef = Annotated[str, *_reference("snapshots")]
LoadBalancerRef = Annotated[str, *_reference("load_balancers")]
PoolRef = Annotated[str, *_reference("pools")]
TemplateRef = Annotated[str, *_reference("templates")]


def _cidr(value: Any) -> Any:
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    text = only_text(value, _ANY_CIDR)
    if "/" not in text:
        raise refused(Problem(f"{words(text)} has no prefix length", _ANY_CIDR))
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise refused(Problem(f"{words(text)} is not a network", _ANY_CIDR)) from error
    if str(network) != text and str(network.network_address) != text.split("/")[0]:
        raise refused(Problem(f"{words(text)} has host bits set", _ANY_CIDR, f"did you mean '{network}'?"))
    return network


Cidr = Annotated[IPv4Network | IPv6Network, *kind_of(_cidr, _ANY_CIDR, "cidr")]


def _secret(value: Any) -> Any:
    text = as_written(value)
    if not isinstance(text, str) or not re.fullmatch(r"env:[A-Za-z_]\w*|file:/.+|generated", text):
        # The value is not quoted: it may be the password itself.
        raise refused(Problem("a password is never written into the file", _SECRET, "name its source"))
    return text


SecretRef = Annotated[str, BeforeValidator(_secret), text_schema(_SECRET)]
Content = Annotated[Text, text_schema(_CONTENT)]


def _ports(value: Any) -> Any:
    text = str(as_written(value)) if isinstance(value, (str, int)) and value is not True else ""
    match = re.fullmatch(r"any|(\d{1,5})(?:-(\d{1,5}))?", text)
    numbers = [int(part) for part in (match.groups() if match else ()) if part]
    if not match or any(not 1 <= number <= 65535 for number in numbers) or numbers != sorted(numbers):
        raise refused(Problem(f"{words(value)} is not a port or a range of ports", _PORTS))
    return text


Ports = Annotated[
    str,
    BeforeValidator(_ports),
    # A single port as people write it.
    PlainSerializer(lambda text: int(text) if text.isdigit() else text, when_used="json"),
    WithJsonSchema({"type": ["string", "integer"], "x-allowed": _PORTS}),
]


def _texts(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    odd = {key: item for key, item in value.items() if isinstance(item, (dict, list)) or item is None}
    if odd:
        key = next(iter(odd))
        raise refused(Problem(f"'{key}' must be text", "text", path=(key,)))
    return {key: words(item).strip("'") for key, item in value.items()}


Texts = Annotated[
    dict[str, str],
    BeforeValidator(_texts),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean"]},
            "x-allowed": "a mapping of keys to texts",
        }
    ),
]

Size = Annotated[Int, Field(ge=1)]
"""A number, at least one."""
Amount = Annotated[Int, Field(ge=0)]
"""A number, zero or more."""
Limit = Annotated[Int, Field(ge=-1)]
"""A limit; -1: unlimited."""
PortNumber = Annotated[Int, Field(ge=1, le=65535)]


class Named(Section):
    """An item with a name that is unique in its list."""

    name: ResourceName
    """Its name."""


class Counted(Named):
    """An item that may be repeated."""

    count: Annotated[Int, Field(ge=1, le=1000)] = 1
    """The number of copies. In its texts `${index}` counts from 1; a name without it gets the suffix `-1`, `-2`, …"""


def is_resource_name(name: str) -> bool:
    """Whether a spec may have a resource with this name."""
    return re.fullmatch(_RESOURCE, name) is not None
