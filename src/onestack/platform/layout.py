"""Which process runs on which host, and what each of them waits for there. Pure: views in, names out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from onestack.platform import catalogue
from onestack.platform.shape import Need, Process, Step
from onestack.platform.view import View


def views(view: View) -> tuple[View, ...]:
    """The same cloud from each of its hosts."""
    hosts = (view.here, *view.peers)
    return tuple(
        View(view.cloud, host, tuple(other for other in hosts if other is not host)) for host in hosts
    )


def assign(view: View) -> Mapping[str, tuple[Process, ...]]:
    """The processes of each host, by its name."""
    return {each.here.name: tuple(processes(each)) for each in views(view)}


def processes(view: View) -> list[Process]:
    """Those that run on `view.here`."""
    return [each for each in catalogue.processes(view) if _belongs(each, view)]


def steps(view: View) -> list[Step]:
    """The work that is done on `view.here`."""
    return [each for each in catalogue.steps(view) if _belongs(each, view)]


def _belongs(one: Process | Step, view: View) -> bool:
    on_leader = one.scope == "each" or view.here.name == view.cloud.leader
    return on_leader and bool(one.roles & view.here.roles)


def at(name: str, host: str) -> str:
    """What a process or a step of a host is called among all hosts': nova@n1."""
    return f"{name}@{host}"


def resolve(
    needs: Iterable[Need], here: str, lead: str, there: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """What something needs on host `here`, by names of tasks. `there`: what each host has. `lead`: the leader."""
    found: list[str] = []
    for need in needs:
        if need.where == "all":
            found += [at(need.name, host) for host, names in there.items() if need.name in names]
        else:
            found.append(at(need.name, here if need.where == "local" else lead))
    return tuple(found)
