"""Reads through every API of a cloud: before an upgrade, and after it, where each must answer and all be alive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.core.wait import until
from onestack.health import status
from onestack.platform import connect
from onestack.platform.site import Site

ALIVE_SECONDS = 120.0
"""How long workers and agents may take to report after their processes are ready."""

Lists = Mapping[str, Callable[[Any], Iterable[Any]]]
LISTS: Mapping[str, Lists] = {
    "identity": {"projects": lambda c: c.identity.projects(), "users": lambda c: c.identity.users()},
    "image": {"images": lambda c: c.image.images()},
    "placement": {"resource providers": lambda c: c.placement.resource_providers()},
    "network": {
        "networks": lambda c: c.network.networks(),
        "routers": lambda c: c.network.routers(),
        "floating IPs": lambda c: c.network.ips(),
    },
    "compute": {
        "servers": lambda c: c.compute.servers(all_projects=True),
        "flavors": lambda c: c.compute.flavors(is_public=None),
    },
    "block-storage": {
        "volumes": lambda c: c.block_storage.volumes(all_projects=True),
        "volume types": lambda c: c.block_storage.types(),
    },
    "load-balancer": {"load balancers": lambda c: c.load_balancer.load_balancers()},
}
"""What is listed of each service."""
UNDER_WAY: Mapping[str, Callable[[Any], Iterable[str]]] = {
    "compute": lambda c: (
        f"the server {each.name}: {each.task_state}"
        for each in c.compute.servers(all_projects=True)
        if each.task_state
    ),
    "image": lambda c: (
        f"the image {each.name}: {each.status}"
        for each in c.image.images()
        if each.status in ("saving", "importing", "uploading")
    ),
    "block-storage": lambda c: (
        f"the volume {each.name or each.id}: {each.status}"
        for each in c.block_storage.volumes(all_projects=True)
        if each.status.endswith("ing")
    ),
    "load-balancer": lambda c: (
        f"the load balancer {each.name}: {each.provisioning_status}"
        for each in c.load_balancer.load_balancers()
        if each.provisioning_status.startswith("PENDING")
    ),
}
"""What of each service an exchange of its process would interrupt, in words."""


def all_ids(site: Site) -> dict[str, list[str]]:
    """The ids of what is there, by kind. Raises PermanentError for a list that is not answered."""
    admin = connect.connection(site)
    found = {}
    for service, lists in LISTS.items():
        for kind, ask in lists.items() if service in site.view.cloud.services else ():
            try:
                found[kind] = sorted(str(each.id) for each in ask(admin))
            except (SDKException, ClientException) as error:
                raise PermanentError(
                    f"the list of {kind} is not answered", detail=str(error), where=service
                ) from error
    return found


def under_way(site: Site) -> list[str]:
    """What must end before processes are exchanged, in words."""
    admin = connect.connection(site)
    asked = [ask for service, ask in UNDER_WAY.items() if service in site.view.cloud.services]
    return [each for ask in asked for each in ask(admin)]


def check(site: Site, before: Mapping[str, list[str]], emit: Emit) -> None:
    """Look whether all APIs answer, all workers are alive, and what was there before is there.

    Raises PermanentError, Unready. What is missing may have been deleted meanwhile: it is said, and no failure.
    """
    with step("read checks", emit) as at:
        now = all_ids(site)

        def alive() -> tuple[bool, str]:
            found = status.examine(site)
            return found.health == "healthy", "; ".join(found.reasons)

        until("all processes and workers to be alive", alive, seconds=ALIVE_SECONDS, every=2.0)
        for kind, ids in before.items():
            if gone := sorted({*ids} - {*now.get(kind, ())}):
                at.note(f"{kind} that are not there any more: {', '.join(gone)}")
        at.outcome = ", ".join(f"{len(ids)} {kind}" for kind, ids in now.items())
