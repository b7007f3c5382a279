"""The whole spec: one cloud in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, PrivateAttr

from onestack.core.errors import Place
from onestack.language.diagnostics import Diagnostic
from onestack.language.source import Places, Source
from onestack.language.types import (
    Int,
    InterfaceName,
    IPAddress,
    LoginName,
    Name,
    Problem,
    Section,
    example,
    refused,
)
from onestack.spec import backup, healing, local_volumes, references, services, storage
from onestack.spec.availability import Availability
from onestack.spec.existing import Existing
from onestack.spec.healing import Fence
from onestack.spec.monitoring import PORTS as MONITORING_PORTS
from onestack.spec.platform import Listen, Platform
from onestack.spec.storage import HostDisk
from onestack.spec.tenants import Template, Tenant
from onestack.workloads.resources.aggregate import Aggregate
from onestack.workloads.resources.domain import Domain
from onestack.workloads.resources.flavor import Flavor
from onestack.workloads.resources.image import Image
from onestack.workloads.resources.network import ProviderNetwork
from onestack.workloads.resources.role import Role
from onestack.workloads.resources.volume_type import VolumeType

HostRole = Literal["control", "compute", "network", "storage"]
ROLES: tuple[HostRole, ...] = ("control", "compute", "network", "storage")


_VARIABLES = "a mapping of names to texts, numbers or booleans"


class Host(Section):
    """A host of the cloud."""

    model_config = example("""\
hosts:
  - {name: node-1, address: 192.0.2.10}
""")

    name: Name
    """Its name in OpenStack."""
    address: IPAddress
    """The address by which the other hosts reach it; it must be one of its own."""
    roles: tuple[HostRole, ...] = ROLES
    """Its roles in the cloud."""
    zone: Name | None = None
    """The availability zone of its guests. Default: Nova's own, `nova`."""
    user: LoginName | None = None
    """The user for logging in by ssh; it must be root. Default: from the ssh configuration."""
    port: Annotated[Int, Field(ge=1, le=65535)] | None = None
    """The TCP port of its ssh server. Default: from the ssh configuration."""
    underlay: InterfaceName | None = None
    """The NIC with the address, which carries guests' traffic between hosts. Default: found by the address."""
    disks: tuple[HostDisk, ...] = ()
    """What it gives to the managed Ceph: devices, or files with their sizes."""
    fence: Fence | None = None
    """How control hosts switch its power off, and see that it is off."""


def _check_hosts(hosts: tuple[Host, ...]) -> tuple[Host, ...]:
    problems: list[Problem] = []
    for key in ("name", "address"):
        first: dict[str, int] = {}
        for index, host in enumerate(hosts):
            value = str(getattr(host, key))
            if value in first:
                same = f"line-of hosts/{first[value]}/{key}"
                problems.append(
                    Problem(
                        f"two hosts have the {key} '{value}'",
                        f"another {key}; the first is in {{{same}}}",
                        path=(index, key),
                    )
                )
            first.setdefault(value, index)
    control = [index for index, host in enumerate(hosts) if "control" in host.roles]
    if len(control) > 5 or (control and len(control) % 2 == 0):
        problems.append(
            Problem(
                f"{len(control)} control hosts bear the loss of no more of them than {len(control) - 1}: "
                "databases and bus need a majority",
                "one, three or five hosts with the role 'control'",
                path=(control[-1], "roles"),
            )
        )
    for index, host in enumerate(hosts):
        if len(hosts) > 1 and host.address.is_loopback:
            problems.append(
                Problem(
                    f"the other hosts do not reach '{host.address}'",
                    "an address of the host other than loopback",
                    path=(index, "address"),
                )
            )
    if problems:
        raise refused(*problems)
    return hosts


_METADATA = 8775
"""The API gateway's port for guests' metadata (onestack.platform.infrastructure.gateway); a test compares them."""


class Spec(Section):
    """The desired state of a cloud."""

    model_config = example("""\
version: 1
name: lab
platform:
  compute: {virt: auto}
  network:
    external: {cidr: 172.24.4.0/24}
""")

    built_in: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The names of resources that every cloud has, by the key of their list; the kinds declare them."""

    version: Literal[1] = 1
    """The version of this format."""
    name: Name = "onestack"
    """The cloud's name, also in clouds.yaml."""
    platform: Platform = Field(default_factory=Platform)
    """OpenStack itself, and the infrastructure it runs on."""
    hosts: Annotated[tuple[Host, ...], AfterValidator(_check_hosts)] = ()
    """The hosts. Default: this machine."""
    availability: Availability = Availability()
    """Availability requirements, which `onestack capacity` checks."""
    variables: dict[str, str | int | float | bool] = Field(
        default_factory=dict, json_schema_extra={"x-allowed": _VARIABLES}
    )
    """Values that are used in several places: `${name}` in any text of a tenant, or of resources that tenants
    share."""
    existing: Existing = Existing()
    """Resources that the cloud has and this file does not list."""
    domains: tuple[Domain, ...] = ()
    roles: tuple[Role, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    images: tuple[Image, ...] = ()
    networks: tuple[ProviderNetwork, ...] = ()
    volume_types: tuple[VolumeType, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    """The tenants, with their resources."""
    templates: tuple[Template, ...] = ()
    """Templates for tenants."""

    _source: Source = PrivateAttr(default_factory=lambda: Source({}, Places("(default)"), []))

    def problems(self) -> Iterator[Problem]:
        yield from references.problems(self, self._implicit_names())
        yield from self._ports()
        yield from local_volumes.problems(self)
        yield from storage.problems(self)
        yield from backup.problems(self)
        yield from healing.problems(self)
        yield from self._address()
        if not self.hosts:
            return
        running = self.platform.services
        needed = ["control", *(role for role in ("compute", "network") if role in running)]
        given = {role for host in self.hosts for role in host.roles}
        if missing := [f"'{role}'" for role in needed if role not in given]:
            yield Problem(
                f"no host has the role {' or '.join(missing)}",
                f"each of {', '.join(needed)} on some host",
                path=("hosts", 0, "roles"),
            )

    def _implicit_names(self) -> Mapping[str, tuple[str, ...]]:
        """The names that may be used without being listed: those of `built_in` and `existing`, and a volume type
        for each backend."""
        backends = tuple(each.name for each in self.platform.backends)
        known = {**self.built_in, "volume_types": (*self.built_in.get("volume_types", ()), *backends)}
        return {
            **known,
            **{key: (*known.get(key, ()), *names) for key, names in self.existing.names().items()},
        }

    @property
    def monitored(self) -> bool:
        """Whether the cloud has a Prometheus of its own."""
        enabled = self.platform.monitoring.enabled
        if enabled != "auto":
            return enabled
        return self.platform.monitoring.sends or any(tenant.scaling_groups for tenant in self.tenants)

    def _ports(self) -> Iterator[Problem]:
        """Ports on loopback must differ: those of the API gateway, guests' metadata, Prometheus and Alertmanager, and
        the ports that they scrape."""
        if not self.monitored:
            return
        taken = {self.listen.port: "platform.listen.port", _METADATA: "guests' metadata"}
        for key in MONITORING_PORTS:
            port = getattr(self.platform.monitoring, key)
            if who := taken.get(port):
                path = ("platform", "monitoring", key)
                yield Problem(f"port {port} is taken by {who}", "another port", path=path)
            taken[port] = f"platform.monitoring.{key}"

    def _address(self) -> Iterator[Problem]:
        """Several control hosts need a virtual address, which is none of theirs; one control host has none."""
        address, several = self.platform.address, len(self.control_hosts) > 1
        if several and address is None:
            yield Problem(
                "several control hosts, and no address for the APIs that outlives one of them",
                "platform.address: a free address in the hosts' network",
                path=("hosts",),
            )
        if address is None:
            return
        path = ("platform", "address")
        if not several:
            yield Problem(
                "a virtual address is for several control hosts",
                "platform.listen.address with one control host",
                path=path,
            )
        elif "address" in self.platform.listen.model_fields_set:
            yield Problem("two addresses of the APIs", "platform.address or listen.address", path=path)
        elif address.is_loopback or address.is_unspecified or address.is_multicast:
            yield Problem(
                f"hosts cannot have '{address}' in turn", "a free address in their network", path=path
            )
        elif owner := next((each.name for each in self.hosts if each.address == address), None):
            yield Problem(f"'{address}' is {owner}'s own", "a free address in the hosts' network", path=path)

    @property
    def listen(self) -> Listen:
        """The address of the APIs: the virtual one with several control hosts; with several hosts, by default the
        control host's own."""
        listen = self.platform.listen
        if self.platform.address:
            return listen.model_copy(update={"address": self.platform.address})
        if len(self.hosts) < 2 or "address" in listen.model_fields_set:
            return listen
        return listen.model_copy(update={"address": self.control_hosts[0].address})

    @property
    def control_hosts(self) -> list[Host]:
        """The hosts with the role control."""
        return [each for each in self.hosts if "control" in each.roles]

    def volume_host(self, tenant: Tenant, volume: str) -> str:
        """The host whose servers alone can use one of a tenant's volumes; empty if those of all hosts can."""
        return local_volumes.of_volume(self, tenant, volume)

    @property
    def file(self) -> str:
        """The file it was read from, as the user named it."""
        return self._source.places.file

    def place_of(self, *path: str | int) -> Place:
        """The place where the value at `path` was written: `place_of("hosts", 0, "address")`.

        A value that was not written has the place of the nearest enclosing one.
        """
        return self._source.places.value(*path)

    def notes(self) -> list[Diagnostic]:
        """Notes for the user on how the spec is interpreted."""
        chosen = (self._source.data.get("platform") or {}).get("services", services.types())
        completed = services.resolve(chosen, self.platform.exclude)
        place = self.place_of("platform", "services")
        on_healing = self.place_of("platform", "healing")
        on_storage = self.place_of("platform", "storage", "ceph")
        return [
            *(Diagnostic("note", note, place=place) for note in completed.notes),
            *(Diagnostic("note", note, place=on_storage) for note in storage.notes(self)),
            *(Diagnostic("note", note, place=on_healing) for note in healing.notes(self)),
        ]
