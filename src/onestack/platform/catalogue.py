"""What a cloud consists of: its services, the processes of those and of the parts beneath, its secrets."""

from __future__ import annotations

from collections.abc import Iterable

from onestack.platform.parts import database, front, hypervisor, monitoring, switches
from onestack.platform.services import CATALOGUE
from onestack.platform.shape import Database, Endpoint, Process, Service, View


def services(chosen: Iterable[str]) -> list[Service]:
    """The declarations of the chosen service types, in the catalogue's order."""
    wanted = set(chosen)
    return [service for type_, service in CATALOGUE.items() if type_ in wanted]


def databases(chosen: Iterable[str]) -> list[Database]:
    """Every database of the chosen services."""
    return [each for service in services(chosen) for each in service.databases]


def endpoints(chosen: Iterable[str]) -> dict[str, Endpoint]:
    """Every API by project name."""
    return {service.name: service.endpoint for service in services(chosen) if service.endpoint}


def page(chosen: Iterable[str]) -> str | None:
    """The path of the web page, if it was chosen."""
    return next((each.path for each in endpoints(chosen).values() if not each.listed), None)


def secret_names(chosen: Iterable[str]) -> list[str]:
    """The names of every secret the chosen services need."""
    found = services(chosen)
    names = {"user/admin"}
    names |= {name for service in found for name in service.secrets}
    names |= {f"user/{service.user}" for service in found if service.user}
    names |= {f"database/{each.user}" for each in databases(chosen)}
    return sorted(names)


def parts(view: View) -> list[Process]:
    """The processes beneath OpenStack."""
    network = switches.processes(view) if "network" in view.services else ()
    return [
        *database.processes(view),
        *network,
        *hypervisor.processes(view),
        *front.processes(view),
        *monitoring.processes(view),
    ]


def processes(view: View) -> list[Process]:
    """Every process of the cloud."""
    return parts(view) + [each for service in services(view.services) for each in service.processes(view)]


def files(view: View, bind: list[str]) -> dict[str, str]:
    """Every configuration file: path below /etc/onestack -> text."""
    found: dict[str, str] = {}
    for service in services(view.services):
        found.update(service.files(view))
    found.update(database.files(view))
    found.update(hypervisor.files(view))
    found.update(front.files(view, endpoints(view.services), bind))
    return found
