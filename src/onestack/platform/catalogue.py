"""All declarations of a cloud: its services and infrastructure services, and the secrets that they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from onestack.platform import host_users, managed_ceph
from onestack.platform.infrastructure import INFRASTRUCTURE
from onestack.platform.places import KEYS_SECRET, NODES_SECRET, bus_secret, database_secret, user_secret
from onestack.platform.services import CATALOGUE
from onestack.platform.shape import Database, Endpoint, Form, InfrastructureService, Process, Service, Step
from onestack.platform.view import HostView, View


def services(chosen: Iterable[str]) -> list[Service]:
    """The declarations of the chosen service types, in the catalogue's order."""
    wanted = set(chosen)
    return [service for type_, service in CATALOGUE.items() if type_ in wanted]


def databases(chosen: Iterable[str]) -> list[Database]:
    """All databases of the chosen services."""
    return [each for service in services(chosen) for each in service.databases]


def endpoints(chosen: Iterable[str]) -> dict[str, Endpoint]:
    """All API endpoints by project name."""
    return {service.name: service.endpoint for service in services(chosen) if service.endpoint}


def page(chosen: Iterable[str]) -> str | None:
    """The path of the dashboard; None if it was not chosen."""
    return next((each.path for each in endpoints(chosen).values() if not each.listed), None)


def secret_names(chosen: Collection[str], hosts: Sequence[HostView] = ()) -> list[str]:
    """The names of all secrets that the chosen services need, on all hosts."""
    found = services(chosen)
    names = {user_secret("admin")}
    names |= {name for service in found for name in service.secrets}
    names |= {user_secret(service.user) for service in found if service.user}
    names |= {user_secret(host_users.name(host)) for host in host_users.hosts(hosts, chosen)}
    names |= {database_secret(each.user) for each in databases(chosen)}
    # A cloud of one host has no RabbitMQ.
    if len(hosts) > 1:
        names |= {NODES_SECRET, KEYS_SECRET, *(bus_secret(host.name) for host in hosts)}
    names |= managed_ceph.secret_names(hosts)
    return sorted(names)


def infrastructure(view: View) -> list[InfrastructureService]:
    """The infrastructure services of a cloud."""
    return [
        each for each in INFRASTRUCTURE if each.processes(view) or (each.steps_alone and each.steps(view))
    ]


def formed(view: View) -> list[tuple[str, Form, frozenset[str]]]:
    """The infrastructure services whose members form a cluster: name, how, and the names of the members' hosts."""
    controls = frozenset(each.name for each in view.controls) if view.replicated else frozenset[str]()
    found = []
    for each in INFRASTRUCTURE:
        if each.form is None:
            continue
        own = each.form.members
        members = own(view) if own else controls if each.processes(view) else frozenset[str]()
        if members:
            found.append((each.name, each.form, members))
    return found


def form(name: str) -> Form:
    """How the members of an infrastructure service form a cluster, by its name. Raises LookupError."""
    return {each.name: each.form for each in INFRASTRUCTURE if each.form}[name]


def declarations(view: View) -> list[InfrastructureService | Service]:
    """All declarations, infrastructure services first."""
    return [*infrastructure(view), *services(view.cloud.services)]


def processes(view: View) -> list[Process]:
    """All processes of a cloud; `layout` assigns them to hosts."""
    return [each for one in declarations(view) for each in one.processes(view)]


def steps(view: View) -> list[Step]:
    """All steps of the bring-up that are not processes."""
    return [each for one in declarations(view) for each in one.steps(view)]
