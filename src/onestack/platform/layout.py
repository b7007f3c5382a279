"""Assigns processes and steps to hosts, and resolves their dependencies. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from onestack.platform import catalogue, managed_ceph
from onestack.platform.infrastructure import etcd
from onestack.platform.shape import InfrastructureService, Need, Process, Service, Step
from onestack.platform.view import View


def views(view: View) -> tuple[View, ...]:
    """The cloud's view for each of its hosts."""
    hosts = (view.here, *view.peers)
    return tuple(
        View(view.cloud, host, tuple(other for other in hosts if other is not host)) for host in hosts
    )


def assign(view: View) -> Mapping[str, tuple[Process, ...]]:
    """The processes of each host, by the host's name."""
    return {each.here.name: tuple(processes(each)) for each in views(view)}


def processes(view: View) -> list[Process]:
    """The processes that run on `view.here`."""
    return [each for each in catalogue.processes(view) if _belongs(each, view)]


def steps(view: View) -> list[Step]:
    """The steps that are done on `view.here`."""
    return [each for each in catalogue.steps(view) if _belongs(each, view)]


def declarations(view: View) -> list[InfrastructureService | Service]:
    """The declarations with a process on `view.here`, or without any process: they determine its files and folders.

    The others would need what this host lacks: database passwords, or users of packages that are not in its base.
    """
    return [each for each in catalogue.declarations(view) if _is_here(each, view)]


def files(view: View) -> dict[str, str]:
    """The configuration files of `view.here`: path below /etc/onestack, or inside the namespace -> text."""
    return {name: text for one in declarations(view) for name, text in one.files(view).items()}


def secret_names(view: View) -> frozenset[str]:
    """The names of the secrets that `view.here` gets: on a control host all, on another one only those in its
    configuration, so that no others can leak from it."""
    if view.control:
        return frozenset(view.cloud.secrets)
    recording = _RecordingSecrets(view.cloud.secrets)
    recorded = replace(view, cloud=replace(view.cloud, secrets=recording))
    files(recorded)
    managed_ceph.client_files(recorded)
    etcd.own_password(recorded)
    return frozenset(recording.names)


class _RecordingSecrets(Mapping[str, str]):
    """Secrets that record which of them are read."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self.names: set[str] = set()
        self._secrets = secrets

    def __getitem__(self, name: str) -> str:
        value = self._secrets[name]
        self.names.add(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)


def _is_here(one: InfrastructureService | Service, view: View) -> bool:
    found = one.processes(view)
    return not found or any(_belongs(each, view) for each in found)


def _belongs(one: Process | Step, view: View) -> bool:
    on_leader = one.scope == "each" or view.here.name == view.cloud.leader
    return on_leader and bool(one.roles & view.here.roles)


def at(name: str, host: str) -> str:
    """The name of a host's task: nova@n1."""
    return f"{name}@{host}"


def resolve(
    needs: Iterable[Need], here: str, lead: str, there: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """The names of the tasks that satisfy `needs` on host `here`. `there`: the processes and steps of each host.
    `lead`: the leader."""
    found: list[str] = []
    for need in needs:
        if need.where == "all":
            found += [at(need.name, host) for host, names in there.items() if need.name in names]
        else:
            found.append(at(need.name, here if need.where == "local" else lead))
    return tuple(found)
