"""A cloud as seen from one of its hosts: its spec, its secrets, this host, and the other hosts."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from onestack.core import contract
from onestack.core.errors import BadInput, PermanentError
from onestack.core.paths import Paths
from onestack.platform import catalogue, managed_ceph, secrets
from onestack.platform.choices import Choices, choices_file
from onestack.platform.hosts import known
from onestack.platform.infrastructure import etcd
from onestack.platform.infrastructure.gateway import CERTIFICATE
from onestack.platform.node import Node
from onestack.platform.view import (
    Ceph,
    CloudView,
    DiskView,
    External,
    HealingView,
    HostView,
    ManagedCeph,
    Monitoring,
    View,
    VolumeBackend,
)
from onestack.spec import storage
from onestack.spec.backends import Backend
from onestack.spec.model import ROLES, Host, Spec
from onestack.spec.security import Security


def spec_file(paths: Paths) -> Path:
    """The stored spec that the cloud was last brought up with."""
    return paths.etc / "cloud.yaml"


def _backend(wanted: Backend, known: Mapping[str, str]) -> VolumeBackend:
    if wanted.driver == "ceph":
        return VolumeBackend(wanted.name, managed_ceph.backend(known))
    pool = wanted.ceph
    if pool is None:
        return VolumeBackend(wanted.name, group=wanted.volume_group)
    # Any stable UUID will do: it identifies the key in this cloud's libvirt only.
    secret = str(uuid.uuid5(uuid.NAMESPACE_URL, f"onestack:{wanted.name}"))
    return VolumeBackend(wanted.name, Ceph(pool.name, pool.user, secret, wanted.name))


def disks_of(host: Host) -> tuple[DiskView, ...]:
    """What a host gives to the managed Ceph."""
    return tuple(DiskView(each.name, str(each.path), each.size) for each in host.disks)


def logins(wanted: Security) -> dict[str, str | int | None]:
    """Keystone's `[security_compliance]`; options that are None stay as upstream has them."""
    locks = wanted.lockout_attempts is not None
    return {
        "lockout_failure_attempts": wanted.lockout_attempts,
        "lockout_duration": round(wanted.lockout_time) if locks else None,
        "password_regex": wanted.pattern,
        "password_regex_description": wanted.pattern_in_words if wanted.pattern else None,
        "unique_last_password_count": wanted.password_history or None,
        "password_expires_days": wanted.password_days,
        "disable_user_account_days_inactive": wanted.inactive_days,
    }


@dataclass(frozen=True)
class Site:
    """Everything commands need to work on one cloud."""

    spec: Spec
    here: Node
    """The host that this process runs on."""
    peers: tuple[HostView, ...] = ()
    """The cloud's other hosts."""
    lead: str = ""
    """The name of the leader: the control host on which `up` is run, and which runs everything that exists once in a
    cloud. Empty: this host."""
    generation: int = 0
    """How often the cloud was recovered; see `CloudView`."""

    @property
    def leads(self) -> bool:
        """Whether this host is the leader."""
        return self.lead in ("", self.here.name)

    @property
    def leader(self) -> Node:
        """This host, if it is the leader. Raises PermanentError on another one."""
        self.require_leader()
        return self.here

    def require_leader(self) -> None:
        """Raises PermanentError if this host is not the leader."""
        if not self.leads:
            raise PermanentError(
                f"this is done on the control host {self.lead}, not on {self.here.name}",
                hint=f"run the command on {self.lead}",
            )

    @property
    def hosts(self) -> tuple[HostView, ...]:
        """All hosts of the cloud, this one first."""
        return (self.here.view, *self.peers)

    @property
    def paths(self) -> Paths:
        """The cloud's folders on this host."""
        return self.here.paths

    @cached_property
    def view(self) -> View:
        """The view with which declarations are rendered for this host."""
        return self.view_of(self.here)

    def view_of(self, node: Node) -> View:
        """The view with which declarations are rendered for a node."""
        return View(self._cloud, node.view, self.peers)

    @cached_property
    def _cloud(self) -> CloudView:
        """The cloud's part of views. On the leader, missing secrets are generated; other hosts have those that they
        were given."""
        platform, known = self.spec.platform, self._secrets
        outer = platform.network.external
        return CloudView(
            series=platform.release,
            leader=self.lead or self.here.name,
            gateway=self.gateway,
            services=frozenset(self.spec.platform.services),
            secrets=known,
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
            dns_servers=self.here.choices.dns_servers,
            balancer_providers=platform.load_balancing.providers,
            volume_backends=tuple(_backend(each, known) for each in platform.backends),
            ca_file=self.ca_file,
            monitoring=self._monitoring,
            endpoints=catalogue.endpoints(platform.services),
            binds=(self._bind,),
            address=str(platform.address) if platform.address else None,
            generation=self.generation,
            ceph=self._ceph,
            logins=logins(platform.security),
            healing=self._healing,
            tuning=os.environ.get(contract.TUNING) or platform.tuning,
        )

    @property
    def _ceph(self) -> ManagedCeph | None:
        wanted = self.spec.platform.storage
        return ManagedCeph(storage.monitors(self.spec), wanted.osd_memory) if wanted.ceph else None

    @property
    def _healing(self) -> HealingView | None:
        wanted = self.spec.platform.healing
        if not self.spec.platform.heals or not self.peers:
            return None
        return HealingView(wanted.share, wanted.proof == "lease", wanted.at_once)

    @property
    def _secrets(self) -> Mapping[str, str]:
        wanted = catalogue.secret_names(self.spec.platform.services, self.hosts) if self.leads else []
        if self.leads and self._healing:
            wanted += etcd.secret_names(self.hosts)
        return secrets.ensure(self.secrets_file, wanted)

    @property
    def _bind(self) -> str:
        listen = self.spec.listen
        address = f"[{listen.address}]" if ":" in str(listen.address) else str(listen.address)
        # HAProxy listens on a virtual address whether this host has it now or not.
        plain = f"{address}:{listen.port}" + (" transparent" if self.spec.platform.address else "")
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
            monitoring.alerts_port,
            monitoring.receivers,
            monitoring.remote_write,
        )

    @property
    def secrets_file(self) -> Path:
        return self.paths.etc / "secrets.json"

    @property
    def tls(self) -> bool:
        return self.spec.listen.encrypted

    @property
    def ca_file(self) -> str | None:
        """The CA bundle for clients inside the namespace, if the API gateway uses TLS."""
        return "/etc/onestack/tls/bundle.pem" if self.tls else None

    @property
    def gateway(self) -> str:
        """The URL of the API gateway, without a trailing slash."""
        return self.spec.listen.url

    @property
    def dashboard(self) -> str | None:
        """The URL of the dashboard, if the cloud has one."""
        path = catalogue.page(self.spec.platform.services)
        return f"{self.gateway}/{path}/" if path else None


def on_this_host(paths: Paths, spec: Spec, choices: Choices, others: known.Hosts | None = None) -> Site:
    """The cloud as seen from this host. `others`: all its hosts, if there are several."""
    mine = {each.name: each for each in spec.hosts}.get(choices.host) or next(iter(spec.hosts), None)
    roles = frozenset(mine.roles) if mine else frozenset(ROLES)
    disks = disks_of(mine) if mine else ()
    if mine is None or len(spec.hosts) < 2:
        return Site(spec, Node(paths, choices, roles=roles, disks=disks))
    node = Node(paths, choices, address=str(mine.address), roles=roles, underlay=mine.underlay, disks=disks)
    if others is None:
        return Site(spec, node)
    peers = tuple(each for each in others.hosts if each.name != choices.host)
    return Site(spec, node, peers, others.leader, others.generation)


def load(paths: Paths) -> Site:
    """The cloud under a root. Raises BadInput if there is none."""
    from onestack.spec import load as load_spec

    if not choices_file(paths).exists():
        raise BadInput(
            f"there is no cloud under {paths.root}",
            hint="`onestack up` brings one up; --root DIR names another place",
        )
    choices = Choices.load(choices_file(paths))
    return on_this_host(paths, load_spec(spec_file(paths)), choices, known.load(paths))
