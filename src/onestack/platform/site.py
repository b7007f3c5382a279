"""A cloud as it lies on its hosts: its spec, its secrets, its nodes, and the leader among them."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from onestack.core import contract
from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.platform import catalogue, secrets
from onestack.platform.choices import Choices, choices_file
from onestack.platform.infrastructure.gateway import CERTIFICATE
from onestack.platform.node import Node
from onestack.platform.view import (
    Ceph,
    CloudView,
    External,
    Monitoring,
    View,
    VolumeBackend,
)
from onestack.spec.backends import Backend
from onestack.spec.model import ROLES, Spec


def spec_file(paths: Paths) -> Path:
    """Where the spec is kept that the cloud was brought up with."""
    return paths.etc / "cloud.yaml"


def _backend(wanted: Backend) -> VolumeBackend:
    pool = wanted.ceph
    if pool is None:
        return VolumeBackend(wanted.name, group=wanted.volume_group)
    # Any will do that stays the same: libvirt knows a key by it, here alone.
    secret = str(uuid.uuid5(uuid.NAMESPACE_URL, f"onestack:{wanted.name}"))
    return VolumeBackend(wanted.name, Ceph(pool.name, pool.user, secret))


@dataclass(frozen=True)
class Site:
    """Everything commands need to work on one cloud."""

    spec: Spec
    nodes: tuple[Node, ...]
    """Its hosts, the leader first: `up` runs there, and what a cloud has once."""

    @property
    def leader(self) -> Node:
        return self.nodes[0]

    @property
    def paths(self) -> Paths:
        """Where the cloud lies on the leader."""
        return self.leader.paths

    @cached_property
    def view(self) -> View:
        """What declarations are rendered with for the leader."""
        return self.view_of(self.leader)

    def view_of(self, node: Node) -> View:
        """What declarations are rendered with for a node."""
        return View(self._cloud, node.view, tuple(each.view for each in self.nodes if each is not node))

    @cached_property
    def _cloud(self) -> CloudView:
        """Makes the secrets that are missing."""
        platform = self.spec.platform
        outer = platform.network.external
        return CloudView(
            series=platform.release,
            leader=self.leader.name,
            gateway=self.gateway,
            services=frozenset(self.spec.platform.services),
            secrets=secrets.ensure(
                self.secrets_file,
                catalogue.secret_names(platform.services, [node.name for node in self.nodes]),
            ),
            fake_hosts=platform.compute.fake_hosts,
            cpu_allocation_ratio=platform.compute.cpu_allocation_ratio,
            ram_allocation_ratio=platform.compute.ram_allocation_ratio,
            external=External(
                str(outer.cidr),
                str(outer.gateway),
                str(outer.pool[0]),
                str(outer.pool[1]),
                outer.interface,
                outer.translated,
            ),
            mtu=platform.network.mtu,
            dns_servers=self.leader.choices.dns_servers,
            balancer_providers=platform.load_balancing.providers,
            volume_backends=tuple(map(_backend, platform.volumes.backends)),
            ca_file=self.ca_file,
            monitoring=self._monitoring,
            endpoints=catalogue.endpoints(platform.services),
            binds=(self._bind,),
            tuning=os.environ.get(contract.TUNING) or platform.tuning,
        )

    @property
    def _bind(self) -> str:
        listen = self.spec.platform.listen
        address = f"[{listen.address}]" if ":" in str(listen.address) else str(listen.address)
        plain = f"{address}:{listen.port}"
        return f"{plain} ssl crt {CERTIFICATE} alpn http/1.1" if self.tls else plain

    @property
    def _monitoring(self) -> Monitoring | None:
        monitoring = self.spec.platform.monitoring
        if not self.spec.monitored:
            return None
        return Monitoring(
            monitoring.port,
            monitoring.exporter_port,
            round(monitoring.retention),
            monitoring.size,
            monitoring.targets,
        )

    @property
    def secrets_file(self) -> Path:
        return self.paths.etc / "secrets.json"

    @property
    def tls(self) -> bool:
        return self.spec.platform.listen.encrypted

    @property
    def ca_file(self) -> str | None:
        """The CA bundle that clients inside need, where the API gateway speaks TLS."""
        return "/etc/onestack/tls/bundle.pem" if self.tls else None

    @property
    def gateway(self) -> str:
        """The URL of the API gateway, no slash at its end."""
        return self.spec.platform.listen.url

    @property
    def dashboard(self) -> str | None:
        """The URL of the web page, if the cloud has one."""
        path = catalogue.page(self.spec.platform.services)
        return f"{self.gateway}/{path}/" if path else None


def on_this_host(paths: Paths, spec: Spec, choices: Choices) -> Site:
    """The cloud of one host: this one."""
    roles = frozenset(spec.hosts[0].roles) if spec.hosts else frozenset(ROLES)
    return Site(spec, (Node(paths, choices, roles=roles),))


def load(paths: Paths) -> Site:
    """The cloud of a root. Raises BadInput when there is none."""
    from onestack.spec import load as load_spec

    if not choices_file(paths).exists():
        raise BadInput(
            f"there is no cloud under {paths.root}",
            hint="`onestack up` brings one up; --root DIR names another place",
        )
    return on_this_host(paths, load_spec(spec_file(paths)), Choices.load(choices_file(paths)))
