"""The spec's section on OpenStack itself: its release, services, address, hypervisor, networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, cached_property
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_serializer,
    field_validator,
)

from onestack.core import data
from onestack.language.types import (
    Bool,
    DnsName,
    File,
    Int,
    IPAddress,
    Number,
    Problem,
    Section,
    as_written,
    example,
    refused,
    words,
)
from onestack.spec import services as catalogue
from onestack.spec.backends import Backend, Volumes, managed_problems
from onestack.spec.backup import Backup
from onestack.spec.external import External
from onestack.spec.healing import Healing
from onestack.spec.monitoring import Monitoring
from onestack.spec.security import Security
from onestack.spec.services import ServiceType, default_in_schema
from onestack.spec.storage import Storage


@cache
def _releases() -> tuple[str, ...]:
    return tuple(data.releases())


def _release(value: Any) -> Any:
    series = as_written(value)
    if series not in _releases():
        raise refused(Problem(f"there is no release {words(value)} here", f"one of {', '.join(_releases())}"))
    return series


Release = Annotated[
    str,
    BeforeValidator(_release),
    WithJsonSchema({"type": ["string", "number"], "x-allowed": f"one of {', '.join(_releases())}"}),
]


class Listen(Section):
    """The API gateway: one address for all APIs, with a path for each service."""

    model_config = example("""\
platform:
  listen: {address: 192.0.2.10, port: 443, name: cloud.example.org}
""")

    address: IPAddress = IPv4Address("127.0.0.1")
    """The address the API gateway listens on; it must be this machine's. Other addresses than loopback require
    TLS."""
    port: Annotated[Int, Field(ge=1, le=65535)] = 8080
    """The TCP port the API gateway listens on."""
    tls: Literal["auto", True, False] = "auto"
    """`auto`: on if the address is not loopback, or a certificate is given."""
    name: DnsName | None = None
    """A DNS name of the address; it is used in URLs and in the certificate."""
    certificate: File | None = None
    """A PEM file with the certificate and its chain. Default: one signed by OneStack's own CA."""
    key: File | None = None
    """A PEM file with the certificate's private key."""

    def problems(self) -> Iterator[Problem]:
        if self.address.is_unspecified or self.address.is_multicast:
            yield Problem(
                f"'{self.address}' is not the address of a machine",
                "one address of this machine",
                path=("address",),
            )
        elif self.tls is False and not self.address.is_loopback:
            yield Problem(
                f"only loopback addresses can do without TLS: {self.address} would receive passwords in clear",
                "auto or true, or a loopback address",
                path=("tls",),
            )
        if (self.certificate is None) != (self.key is None):
            given, missing = ("certificate", "key") if self.certificate else ("key", "certificate")
            yield Problem(f"'{given}' without '{missing}'", "both or neither", path=(given,))
        elif self.certificate and self.tls is False:
            yield Problem("a certificate with TLS off", "auto or true", path=("tls",))

    @property
    def encrypted(self) -> bool:
        """Whether the API gateway uses TLS."""
        if self.tls == "auto":
            return bool(self.certificate) or not self.address.is_loopback
        return self.tls

    @property
    def url(self) -> str:
        """The URL of the API gateway, without a trailing slash."""
        literal = f"[{self.address}]" if isinstance(self.address, IPv6Address) else str(self.address)
        return f"{'https' if self.encrypted else 'http'}://{self.name or literal}:{self.port}"


class Compute(Section):
    """The hypervisors."""

    model_config = example("""\
platform:
  compute: {driver: fake, hosts: 50}   # 50 hypervisors that run nothing
""")

    driver: Literal["libvirt", "fake"] = "libvirt"
    """`libvirt`: real guests. `fake`: Nova's own fake driver, which runs no guests, for scale tests."""
    hosts: Annotated[Int, Field(ge=1, le=500)] | None = None
    """How many hosts the fake driver provides (default: 1). Only with `driver: fake`."""
    virt: Literal["auto", "kvm", "qemu"] = "auto"
    """`auto`: KVM if a test guest boots with it, else emulation. Only with `driver: libvirt`."""
    cpu_allocation_ratio: Annotated[Number, Field(gt=0, le=128, allow_inf_nan=False)] = 4.0
    """Nova's CPU allocation ratio: virtual CPUs for each physical one."""
    ram_allocation_ratio: Annotated[Number, Field(gt=0, le=16, allow_inf_nan=False)] = 1.0
    """Nova's RAM allocation ratio."""

    def problems(self) -> Iterator[Problem]:
        if self.driver == "libvirt" and self.hosts is not None:
            yield Problem(
                "'hosts' is the number of the fake driver's hosts; with libvirt each machine is one host",
                "leave it out, or set 'driver: fake'",
                path=("hosts",),
            )
        if self.driver == "fake" and self.virt != "auto":
            yield Problem(
                "the fake driver runs no guests", "leave 'virt' out, or set 'driver: libvirt'", path=("virt",)
            )

    @property
    def fake_hosts(self) -> int:
        """The number of the fake driver's hosts; 0 with libvirt."""
        return (self.hosts or 1) if self.driver == "fake" else 0


class Network(Section):
    """Networking: the datapath, the external network, MTU and DNS."""

    model_config = example("""\
platform:
  network: {datapath: userspace, mtu: 1450, dns: [192.0.2.53]}
""")

    datapath: Literal["auto", "kernel", "userspace"] = "auto"
    """Open vSwitch's datapath. `auto`: the kernel's if it is available, else userspace."""
    external: External = External()
    """The external network."""
    mtu: Annotated[Int, Field(ge=1280, le=9000)] = 1500
    """The MTU of the machine's own network, in bytes."""
    dns: tuple[IPAddress, ...] | None = None
    """DNS servers for subnets that name none. Default: this machine's, except loopback addresses."""
    isolated: Bool | None = None
    """Whether the cloud has a network namespace of its own. Default: only if it is not under the default root."""

    def problems(self) -> Iterator[Problem]:
        for index, server in enumerate(self.dns or ()):
            if server.is_loopback or server.is_unspecified or server.is_multicast:
                yield Problem(
                    f"'{server}' is not a DNS server that guests can reach",
                    "addresses that guests reach, or [] for none",
                    path=("dns", index),
                )


class LoadBalancing(Section):
    """Load balancing."""

    model_config = example("""\
platform:
  load_balancing: {providers: [haproxy, ovn]}   # the first is the default
""")

    providers: tuple[Literal["haproxy", "ovn"], ...] = ("haproxy",)
    """Octavia's providers, the default first. `haproxy`: all of Octavia's features for TCP. `ovn`: L4 only, including
    UDP."""

    def problems(self) -> Iterator[Problem]:
        if not self.providers or len(set(self.providers)) != len(self.providers):
            yield Problem("each provider once", "haproxy, ovn or both", path=("providers",))


def _all_but(exclude: tuple[str, ...]) -> tuple[str, ...]:
    return catalogue.resolve(catalogue.types(), exclude).ordered


NO_SERVICE = Problem("no service is left", "at least identity")


class Platform(Section):
    """OpenStack itself, and the infrastructure it runs on."""

    model_config = ConfigDict(
        **example("""\
platform:
  release: 2026.2
  services: [compute]   # and what compute needs: identity, image, placement, network
"""),
        serialize_by_alias=True,
    )

    release: Release = _releases()[-1]
    """The OpenStack series."""
    exclude: tuple[ServiceType, ...] = ()
    """Services to leave out; no other service may need them."""
    chosen: tuple[ServiceType, ...] = Field(default=(), alias="services", json_schema_extra=default_in_schema)
    """The services to run, by type or project (`compute` or `nova`). Their dependencies are added."""
    address: IPAddress | None = None
    """The virtual address of the APIs, with three or five control hosts: a free address in the hosts' network, which
    one of them has at a time."""
    listen: Listen = Listen()
    """The address of the APIs; with several control hosts, port, name and certificate of `address`."""
    compute: Compute = Compute()
    """The hypervisors."""
    network: Network = Network()
    """Networking."""
    storage: Storage = Storage()
    """Where images, volumes, servers' disks and backups are kept."""
    volumes: Volumes = Volumes()
    """Block storage."""
    load_balancing: LoadBalancing = LoadBalancing()
    """Load balancing."""
    monitoring: Monitoring = Monitoring()
    """Metrics."""
    security: Security = Security()
    """Rules for logins and passwords."""
    backup: Backup | None = None
    """Backups of the whole cloud. Without this section there are those that `onestack backup create` makes."""
    healing: Healing = Healing()
    """What happens to the guests of a host that is lost."""
    tuning: Literal["full", "none"] = "full"
    """`none`: without those replacements of OpenStack's functions that only improve performance; `status` lists
    all."""

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The services that run, each after those that it requires."""
        # No default of the field: to import the catalogue takes long, and other clouds' specs have no use for it.
        return self.chosen or _all_but(self.exclude)

    @field_validator("chosen")
    @classmethod
    def _complete(cls, chosen: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """The chosen services and their dependencies, in the order of dependency; none if these are all."""
        exclude = info.data.get("exclude", ())
        completed = catalogue.resolve(chosen, exclude).ordered
        if not completed:
            raise refused(NO_SERVICE)
        return completed if completed != _all_but(exclude) else ()

    @field_serializer("chosen")
    def _services(self, chosen: tuple[str, ...]) -> tuple[str, ...]:
        return self.services

    @property
    def heals(self) -> bool:
        """Whether guests of a lost host are to serve elsewhere."""
        return self.healing.hosts == "evacuate" and "compute" in self.services and not self.compute.fake_hosts

    @property
    def base_extras(self) -> tuple[str, ...]:
        """Packages that the base needs beyond those of every cloud."""
        external = "block-storage" in self.services and "rbd" in self.volumes.drivers
        return ("rbd",) if external or self.storage.ceph else ()

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Cinder's backends, the default first: with a managed Ceph, unless the spec lists others, that alone."""
        if self.storage.ceph and "backends" not in self.volumes.model_fields_set:
            return (Backend(name="ceph", driver="ceph"),)
        return self.volumes.backends

    def problems(self) -> Iterator[Problem]:
        clashes = dict(catalogue.conflicts(self.services, self.exclude)) if self.exclude else {}
        for index, service in enumerate(self.exclude):
            if who := clashes.get(service):
                names = " and ".join(who)
                yield Problem(
                    f"'{service}' cannot be left out: {names} cannot work without it",
                    f"exclude {names} too, or keep {service}",
                    path=("exclude", index),
                )
        yield from managed_problems(self.volumes.backends, bool(self.storage.ceph))
        if self.exclude and not self.services:
            yield replace(NO_SERVICE, path=("services",))
