"""A cloud as it lies on this machine: its paths, what was chosen for it, its namespace, its supervisor."""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Literal

from onestack.core import contract
from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.host import namespace
from onestack.host.command import run
from onestack.host.supervisor import Program, Supervisor
from onestack.platform import catalogue, secrets
from onestack.platform.infrastructure.gateway import CERTIFICATE
from onestack.platform.shape import Ceph, External, Monitoring, Process, View, VolumeBackend
from onestack.spec.backends import Backend
from onestack.spec.model import Spec

PYTHON = {
    "PYTHONPATH": f"{contract.RUNTIME}:{contract.ENVIRONMENT}",
    "PYTHONUNBUFFERED": "1",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
}
"""The environment of everything that runs inside."""

VirtType = Literal["kvm", "qemu", "fake"]

# A path inside the namespace -> which of the cloud's folders is mounted there.
_MOUNTED = {contract.ETC: "etc", contract.LIB: "data", "/var/log": "log", contract.RUN: "run"}


@dataclass(frozen=True)
class Choices:
    """What was chosen because of this machine, kept so that every later command sees the same cloud.

    `base`, `environment`, `runtime`, `dashboard`: folders in the cache. `reasons`: in words, by what was chosen.
    """

    host: str
    virt_type: VirtType
    datapath: Literal["system", "netdev"]
    isolated: bool
    base: str
    environment: str
    runtime: str
    reasons: dict[str, str]
    dashboard: str | None = None
    dns_servers: tuple[str, ...] = ()
    """What subnets hand out: the spec's, or this machine's own."""

    def save(self, file: Path) -> None:
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(dataclasses.asdict(self), indent=1))
        partial.rename(file)

    @classmethod
    def load(cls, file: Path) -> Choices:
        kept = json.loads(file.read_text())
        return cls(**{**kept, "dns_servers": tuple(kept.get("dns_servers", ()))})


def choices_file(paths: Paths) -> Path:
    return paths.etc / "choices.json"


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

    paths: Paths
    spec: Spec
    choices: Choices

    @cached_property
    def layout(self) -> namespace.Layout:
        return namespace.Layout(
            base=Path(self.choices.base),
            environment=Path(self.choices.environment),
            runtime=Path(self.choices.runtime),
            paths=self.paths,
            kvm=self.choices.virt_type == "kvm",
            dashboard=Path(self.choices.dashboard) if self.choices.dashboard else None,
        )

    @cached_property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.paths)

    @cached_property
    def secrets_file(self) -> Path:
        return self.paths.etc / "secrets.json"

    @cached_property
    def view(self) -> View:
        """What declarations are rendered with; makes the secrets that are missing."""
        platform = self.spec.platform
        outer = platform.network.external
        return View(
            series=platform.release,
            host=self.choices.host,
            address="127.0.0.1",
            front=self.front,
            services=frozenset(self.spec.platform.services),
            secrets=secrets.ensure(self.secrets_file, catalogue.secret_names(platform.services)),
            virt_type=self.choices.virt_type,
            fake_hosts=platform.compute.fake_hosts,
            datapath=self.choices.datapath,
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
            dns_servers=self.choices.dns_servers,
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
        said = self.spec.platform.monitoring
        if not self.spec.monitored:
            return None
        return Monitoring(said.port, said.exporter_port, round(said.retention), said.size, said.targets)

    @property
    def tls(self) -> bool:
        return self.spec.platform.listen.encrypted

    @property
    def ca_file(self) -> str | None:
        return "/etc/onestack/tls/bundle.pem" if self.tls else None

    @property
    def front(self) -> str:
        """The URL of the front, no slash at its end."""
        return self.spec.platform.listen.url

    @property
    def dashboard(self) -> str | None:
        """The URL of the web page, if the cloud has one."""
        path = catalogue.page(self.spec.platform.services)
        return f"{self.front}/{path}/" if path else None

    def outside(self, place: str) -> Path:
        """Where a path of the namespace lies on the machine. Raises ValueError for one of the base's own."""
        inner = PurePosixPath(place)
        for mounted, folder in _MOUNTED.items():
            if inner.is_relative_to(mounted):
                outer: Path = getattr(self.paths, folder)
                return outer / inner.relative_to(mounted)
        raise ValueError(f"{place} is not in one of the cloud's folders")

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` inside the namespace."""
        return namespace.enter(self.paths, argv)

    def inside(
        self, argv: Sequence[str], *, seconds: float = 60, text_in: str | None = None, patient: bool = False
    ) -> str:
        """Run a command inside the namespace; raises CommandFailed."""
        return run(
            self.enter(argv),
            seconds=seconds,
            text_in=text_in,
            environment=PYTHON,
            inherit=False,
            patient=patient,
        )

    def program(self, process: Process) -> Program:
        """A process as supervisord keeps it."""
        return Program(
            process.name,
            tuple(self.enter(process.command)),
            {**PYTHON, **process.environment},
            self.log(process.name),
            process.stop_seconds,
        )

    def log(self, process: str) -> Path:
        """The log of a process."""
        return self.paths.log / f"{process}.log"


def load(paths: Paths) -> Site:
    """The cloud of a root. Raises BadInput when there is none."""
    from onestack.spec import load as load_spec

    if not choices_file(paths).exists():
        raise BadInput(
            f"there is no cloud under {paths.root}",
            hint="`onestack up` brings one up; --root DIR names another place",
        )
    return Site(paths, load_spec(spec_file(paths)), Choices.load(choices_file(paths)))
