"""Creates the initial resources of a cloud, which a first server needs: flavors, an image, the external network,
volume types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from onestack.core.events import Emit, step
from onestack.platform import connect
from onestack.platform.infrastructure.ovn import PHYSICAL_NETWORK
from onestack.platform.markers import FURNISHED, Markers
from onestack.platform.services import volumes
from onestack.platform.site import Site
from onestack.spec import FLAVORS

IMAGE = "tiny"
NETWORK = "public"
ATTEMPTS = 3
"""With several control hosts."""

FLAVORS_BEFORE = frozenset({"m1.tiny", "m1.small", "m1.medium", "m1.large"})
"""Flavors that older versions created. They are not created again: their clouds may have changed or deleted them."""


def missing_flavors(done: Mapping[str, str]) -> list[str]:
    """The flavors that were never created in a cloud with these markers."""
    created: set[str] = set()
    for name in done:
        step, _, sizes = name.removeprefix(FURNISHED).partition(" ")
        if step == "flavors":
            created |= set(sizes.split(", ")) if sizes else FLAVORS_BEFORE
    return [name for name in FLAVORS if name not in created]


def flavors(admin: Connection, names: Sequence[str]) -> None:
    """Create these flavors, unless they exist."""
    existing = {flavor.name for flavor in admin.compute.flavors()}
    for name in names:
        if name not in existing:
            vcpus, ram, disk = FLAVORS[name]
            admin.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)


def image(site: Site, admin: Connection, file: Path) -> None:
    """Create the public image `tiny`, unless it exists."""
    if any(admin.image.images(name=IMAGE, status="active")):
        return
    for incomplete in admin.image.images(name=IMAGE, owner=admin.current_project_id):
        admin.delete_image(incomplete.id)
    admin.image.create_image(
        name=IMAGE,
        filename=str(file),
        disk_format="qcow2" if file.suffix == ".qcow2" else "raw",
        container_format="bare",
        visibility="public",
        min_ram=96,
        wait=True,
        timeout=120,
    )


def external_network(site: Site, admin: Connection) -> None:
    """Create the external network `public`, from which floating IPs are allocated, unless it exists."""
    outer = site.view.cloud.external
    network = admin.network.find_network(NETWORK) or admin.network.create_network(
        name=NETWORK,
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network=PHYSICAL_NETWORK,
    )
    if not any(admin.network.subnets(network_id=network.id)):
        admin.network.create_subnet(
            name=NETWORK,
            network_id=network.id,
            cidr=outer.cidr,
            ip_version=4,
            gateway_ip=outer.gateway,
            is_dhcp_enabled=False,
            allocation_pools=[{"start": outer.pool_start, "end": outer.pool_end}],
        )


def volume_types(site: Site, admin: Connection) -> None:
    """Create a volume type with each backend's name, unless it exists. The default type must precede any volume."""
    existing = {type_.name for type_ in admin.block_storage.types()}
    for name in volumes.backends(site.view):
        if name not in existing:
            admin.block_storage.create_type(name=name, extra_specs={"volume_backend_name": name})


def _again(site: Site) -> dict[str, Any]:
    """How often a step is run, which looks first for what is there: once, or, with several control hosts, again where
    the address of the APIs moved while a request waited."""
    times = ATTEMPTS if site.view.replicated else 1
    failures = retry_if_exception_type((ClientException, SDKException))
    return {"stop": stop_after_attempt(times), "wait": wait_fixed(1), "retry": failures, "reraise": True}


def steps(
    site: Site, markers: Markers, image_file: Path, emit: Emit
) -> dict[str, tuple[str, Callable[[], None]]]:
    """What is created once in a cloud's life: name -> (the service it needs, the function that creates it).

    The functions check the markers when they run, since these are not loaded before.
    """

    def once(name: str, body: Callable[[Site, Connection], None]) -> Callable[[], None]:
        def run() -> None:
            if f"{FURNISHED}{name}" in markers.known:
                return
            with step(name, emit):
                for attempt in Retrying(**_again(site)):
                    with attempt:
                        body(site, connect.connection(site))
                markers.write(f"{FURNISHED}{name}")

        return run

    def create_flavors() -> None:
        if sizes := missing_flavors(markers.known):
            once(f"flavors {', '.join(sizes)}", lambda site, admin: flavors(admin, sizes))()

    others = {
        "image": ("image", lambda site, admin: image(site, admin, image_file)),
        "external network": ("network", external_network),
        # The name includes the backends, so that it runs again after they have changed in the spec.
        f"volume types {', '.join(volumes.backends(site.view))}": ("block-storage", volume_types),
    }
    steps = {name: (needed, once(name, body)) for name, (needed, body) in others.items()}
    steps["flavors"] = ("compute", create_flavors)
    return {name: step for name, step in steps.items() if step[0] in site.view.cloud.services}
