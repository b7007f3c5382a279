"""Two of each kind that a cloud can list, as cheap as they come; no guest runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from openstack.connection import Connection

from cloud import members, volumes
from onestack.core.wait import until

NAMES = ("listed-one", "listed-two")


@contextlib.contextmanager
def made(admin: Connection) -> Iterator[None]:
    """They are there within; taken away afterwards, the last first."""
    with contextlib.ExitStack() as undo:

        def each(create: Callable[[str], Any], delete: Callable[[Any], Any]) -> list[Any]:
            found = []
            for name in NAMES:
                found.append(create(name))
                undo.callback(delete, found[-1])
            return found

        _identity(admin, each)
        each(
            lambda name: admin.image.create_image(name=name, disk_format="raw", container_format="bare"),
            admin.image.delete_image,
        )
        networks = _network(admin, each)
        each(lambda name: admin.compute.create_keypair(name=name), admin.compute.delete_keypair)
        each(
            lambda name: admin.compute.create_server_group(name=name, policy="affinity"),
            admin.compute.delete_server_group,
        )
        _servers(admin, each, str(networks[0].id))
        _volumes(admin, each)
        _balancers(admin, each)
        yield


def _identity(admin: Connection, each: Any) -> None:
    identity: Any = admin.identity
    each(lambda name: identity.create_project(name=name), identity.delete_project)
    each(
        lambda name: identity.create_domain(name=name, is_enabled=False),
        identity.delete_domain,
    )
    each(lambda name: identity.create_user(name=name), identity.delete_user)
    each(lambda name: identity.create_group(name=name), identity.delete_group)
    user = admin.current_user_id
    each(
        lambda name: identity.create_credential(type="tested", blob=name, user_id=user),
        identity.delete_credential,
    )
    each(
        lambda name: identity.create_application_credential(user, name),
        lambda made: identity.delete_application_credential(user, made),
    )


def _network(admin: Connection, each: Any) -> list[Any]:
    proxy = admin.network
    networks: list[Any] = each(lambda name: proxy.create_network(name=name), proxy.delete_network)
    ids = dict(zip(NAMES, (network.id for network in networks), strict=True))
    each(
        lambda name: proxy.create_subnet(name=name, network_id=ids[name], ip_version=4, cidr="10.69.0.0/24"),
        proxy.delete_subnet,
    )
    each(lambda name: proxy.create_port(name=name, network_id=ids[name]), proxy.delete_port)
    each(lambda name: proxy.create_router(name=name), proxy.delete_router)
    each(lambda name: proxy.create_security_group(name=name), proxy.delete_security_group)
    each(lambda name: proxy.create_address_group(name=name, addresses=["10.69.1.0/24"]),
         proxy.delete_address_group)  # fmt: skip
    each(lambda name: proxy.create_qos_policy(name=name), proxy.delete_qos_policy)
    public = proxy.find_network("public", ignore_missing=False).id
    each(lambda name: proxy.create_ip(floating_network_id=public), proxy.delete_ip)
    return networks


def _servers(admin: Connection, each: Any, network: str) -> None:
    """Servers that no host takes: in ERROR, they are listed as any."""
    compute = admin.compute
    flavor, _ = each(
        lambda name: compute.create_flavor(name=name, vcpus=1, ram=128, disk=1), compute.delete_flavor
    )
    compute.create_flavor_extra_specs(flavor.id, {"trait:CUSTOM_NOWHERE": "required"})
    admin.placement.put("/traits/CUSTOM_NOWHERE", headers={"OpenStack-API-Version": "placement 1.6"})
    image = admin.image.find_image("tiny", ignore_missing=False).id

    def create(name: str) -> Any:
        return compute.create_server(
            name=name, image_id=image, flavor_id=flavor.id, networks=[{"uuid": network}]
        )

    def remove(server: Any) -> None:
        compute.delete_server(server)
        compute.wait_for_delete(server)

    for server in each(create, remove):

        def look(ident: str = server.id) -> tuple[bool, str]:
            status = compute.get_server(ident).status
            return status == "ERROR", status

        until("the server that no host takes to be given up", look, seconds=120, every=0.3)


def _volumes(admin: Connection, each: Any) -> None:
    storage = admin.block_storage
    each(lambda name: storage.create_type(name=name), storage.delete_type)

    def made(create: Callable[[str], Any], get: Callable[[str], Any], delete: Callable[[str], Any]) -> Any:
        def settle(name: str) -> Any:
            # One at a time: a volume is backed up once at a time.
            one = create(name)
            volumes.settled(lambda: get(one.id))
            return one

        def remove(one: Any) -> None:
            delete(one.id)
            volumes.gone(lambda: get(one.id))

        return each(settle, remove)

    volume, _ = made(
        lambda name: storage.create_volume(name=name, size=1), storage.get_volume, storage.delete_volume
    )
    made(
        lambda name: storage.create_snapshot(name=name, volume_id=volume.id),
        storage.get_snapshot,
        storage.delete_snapshot,
    )
    made(
        lambda name: storage.create_backup(name=name, volume_id=volume.id),
        storage.get_backup,
        storage.delete_backup,
    )


def _balancers(admin: Connection, each: Any) -> None:
    """Two, the first with two of each part, made in one call."""
    api = admin.load_balancer
    subnet = admin.network.find_subnet(NAMES[0], ignore_missing=False).id
    monitor = {"type": "TCP", "delay": 5, "timeout": 3, "max_retries": 3}
    addresses = [{"address": f"10.69.0.{last}", "protocol_port": 80} for last in (201, 202)]
    pools = [
        {"name": name, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "members": addresses,
         "healthmonitor": monitor}
        for name in NAMES
    ]  # fmt: skip
    policies = [
        {"name": name, "action": "REJECT", "rules": [
            {"type": "PATH", "compare_type": "STARTS_WITH", "value": f"/{name}/{number}"} for number in (1, 2)
        ]}
        for name in NAMES
    ]  # fmt: skip
    listeners = [
        {"name": name, "protocol": "HTTP", "protocol_port": 80 + place, "default_pool": {"name": name},
         "l7policies": policies}
        for place, name in enumerate(NAMES)
    ]  # fmt: skip
    parts = {NAMES[0]: {"pools": pools, "listeners": listeners}}

    def create(name: str) -> Any:
        return api.create_load_balancer(name=name, vip_subnet_id=subnet, **parts.get(name, {}))

    def remove(balancer: Any) -> None:
        api.delete_load_balancer(balancer.id, cascade=True)
        members.wait_gone(admin, balancer.id)

    for balancer in each(create, remove):
        members.wait_active(admin, balancer.id)
