"""What an empty cloud is given so that a first server can start: flavors, image, external network,
volume types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from openstack.connection import Connection

from onestack.core.events import Emit, step
from onestack.platform import connect
from onestack.platform.infrastructure.ovn import PHYSICAL_NETWORK
from onestack.platform.markers import FURNISHED, Markers
from onestack.platform.services import volumes
from onestack.platform.site import Site
from onestack.spec import FLAVORS

IMAGE = "tiny"
NETWORK = "public"


FLAVORS_BEFORE = frozenset({"m1.tiny", "m1.small", "m1.medium", "m1.large"})
"""Flavors that older versions created: their clouds keep them as they are, or deleted."""


def missing_flavors(done: Mapping[str, str]) -> list[str]:
    """Those that a cloud with these markers was not given yet."""
    given: set[str] = set()
    for name in done:
        step, _, sizes = name.removeprefix(FURNISHED).partition(" ")
        if step == "flavors":
            given |= set(sizes.split(", ")) if sizes else FLAVORS_BEFORE
    return [name for name in FLAVORS if name not in given]


def flavors(admin: Connection, names: Sequence[str]) -> None:
    """Those of the usual flavors that are not there."""
    there = {flavor.name for flavor in admin.compute.flavors()}
    for name in names:
        if name not in there:
            vcpus, ram, disk = FLAVORS[name]
            admin.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)


def image(site: Site, admin: Connection, file: Path) -> None:
    """The tiny guest image, for everybody."""
    if any(admin.image.images(name=IMAGE, status="active")):
        return
    for left in admin.image.images(name=IMAGE, owner=admin.current_project_id):
        admin.delete_image(left.id)
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
    """The network that floating IPs come from."""
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
    """One volume type for each backend, called as it is; the default one must be there before any volume."""
    there = {type_.name for type_ in admin.block_storage.types()}
    for name in volumes.backends(site.view):
        if name not in there:
            admin.block_storage.create_type(name=name, extra_specs={"volume_backend_name": name})


def steps(
    site: Site, markers: Markers, image_file: Path, emit: Emit
) -> dict[str, tuple[str, Callable[[], None]]]:
    """What a cloud is furnished with, each once in its life: name -> (the service it needs, what does it).

    Whether it was done is asked when it runs: before that the markers are not loaded.
    """

    def once(name: str, body: Callable[[Site, Connection], None]) -> Callable[[], None]:
        def run() -> None:
            if f"{FURNISHED}{name}" in markers.known:
                return
            with step(name, emit):
                body(site, connect.connection(site))
                markers.write(f"{FURNISHED}{name}")

        return run

    def give_flavors() -> None:
        if sizes := missing_flavors(markers.known):
            once(f"flavors {', '.join(sizes)}", lambda site, admin: flavors(admin, sizes))()

    found = {
        "image": ("image", lambda site, admin: image(site, admin, image_file)),
        "external network": ("network", external_network),
        # Anew whenever the spec names other backends.
        f"volume types {', '.join(volumes.backends(site.view))}": ("block-storage", volume_types),
    }
    steps = {name: (needed, once(name, body)) for name, (needed, body) in found.items()}
    steps["flavors"] = ("compute", give_flavors)
    return {name: step for name, step in steps.items() if step[0] in site.view.cloud.services}
