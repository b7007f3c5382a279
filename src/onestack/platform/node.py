"""One host of a cloud: its paths, its namespaces, its supervisor, and the machine that effects go through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from onestack.core import contract
from onestack.core.paths import Paths
from onestack.host import namespace
from onestack.host.command import CommandFailed
from onestack.host.machine import LocalMachine, Machine
from onestack.host.netns import Network
from onestack.host.supervisor import Program, Supervisor
from onestack.platform import managed_ceph
from onestack.platform.choices import Choices
from onestack.platform.shape import Process
from onestack.platform.view import DiskView, HostView
from onestack.spec.model import ROLES, HostRole

LOOPBACK = "127.0.0.1"
PYTHON = {
    "PYTHONPATH": f"{contract.RUNTIME}:{contract.ENVIRONMENT}",
    "PYTHONUNBUFFERED": "1",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
}
"""The environment variables of all programs inside the namespace."""

# A path inside the namespace -> which of the cloud's folders is mounted there.
_MOUNTED = {contract.ETC: "etc", contract.LIB: "data", "/var/log": "log", contract.RUN: "run"}


@dataclass(frozen=True)
class Node:
    """A host of a cloud. `paths`: the cloud's folders on it."""

    paths: Paths
    choices: Choices
    machine: Machine = field(default_factory=LocalMachine)
    address: str = LOOPBACK
    """The address by which the cloud's other hosts reach it; loopback suffices for a single host."""
    roles: frozenset[HostRole] = frozenset(ROLES)
    underlay: str | None = None
    """The NIC with this address, if the spec names it."""
    disks: tuple[DiskView, ...] = ()
    """What it gives to the managed Ceph."""
    external: str | None = None
    """The NIC that is plugged into the external network, if the spec names one for this host."""

    @property
    def name(self) -> str:
        """Its name in OpenStack."""
        return self.choices.host

    @cached_property
    def layout(self) -> namespace.Layout:
        """The content of its mount namespace."""
        return namespace.Layout(
            base=Path(self.choices.base),
            environment=Path(self.choices.environment),
            runtime=Path(self.choices.runtime),
            paths=self.paths,
            kvm=self.choices.virt_type == "kvm",
            dashboard=Path(self.choices.dashboard) if self.choices.dashboard else None,
        )

    @cached_property
    def beside(self) -> Mapping[str, namespace.Layout]:
        """The mount namespaces of the trees beside the base that it has, by their names."""
        found = self.choices.trees.items()
        given = {managed_ceph.TREE: tuple((each.name, each.path) for each in self.disks)}
        return {
            name: namespace.beside(name, Path(tree), self.paths, given.get(name, ())) for name, tree in found
        }

    def tree(self, name: str) -> Path:
        """The root of the base, or of a tree beside it: the names of its users are there."""
        return self.beside[name].base if name else self.layout.base

    @cached_property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.paths)

    @cached_property
    def network(self) -> Network:
        """The network that the cloud's processes are in on this host."""
        return Network.of_cloud(self.paths)

    @property
    def view(self) -> HostView:
        """This host, as declarations see it."""
        chosen = self.choices
        return HostView(
            self.name,
            self.address,
            chosen.virt_type,
            chosen.datapath,
            self.roles,
            self.underlay,
            self.disks,
            self.external,
        )

    def outside(self, place: str) -> Path:
        """The path on the host of a path inside the namespace. Raises ValueError for a path in the base."""
        inner = PurePosixPath(place)
        for mounted, folder in _MOUNTED.items():
            if inner.is_relative_to(mounted):
                outer: Path = getattr(self.paths, folder)
                return outer / inner.relative_to(mounted)
        raise ValueError(f"{place} is not in one of the cloud's folders")

    def enter(self, argv: Sequence[str], tree: str = "") -> list[str]:
        """The command line that runs `argv` inside the namespace, or in that of a tree beside the base."""
        return namespace.enter(self.paths, argv, tree)

    def inside(
        self,
        argv: Sequence[str],
        *,
        seconds: float = 60,
        text_in: str | None = None,
        patient: bool = False,
        log: str | None = None,
        tree: str = "",
    ) -> str:
        """Run a command inside the namespace; returns its output. Raises CommandFailed.

        `patient`: its deadline of `seconds` is put off while any process of the cloud works. `log`: the name of the
        log that gets its output too. `tree`: as in `enter`.
        """
        words = self.enter(argv, tree)
        ran = self.machine.run(
            words,
            seconds=seconds,
            text_in=text_in,
            environment=PYTHON,
            cloud=self.paths.run if patient else None,
            log=self.log(log) if log else None,
        )
        if ran.status != 0:
            raise CommandFailed(words, ran.status, ran.output)
        return ran.output

    def program(self, process: Process) -> Program:
        """A process in supervisord's configuration."""
        return Program(
            process.name,
            tuple(self.enter(process.command, process.tree)),
            {**PYTHON, **process.environment},
            self.log(process.name),
            process.stop_seconds,
        )

    def log(self, process: str) -> Path:
        """The log of a process."""
        return self.paths.log / f"{process}.log"
