"""A guest that serves HTTP at a floating IP, and the looks by which one tells that it still does."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from openstack.connection import Connection

from onestack import Cloud
from onestack.core.contract import OVSDB_SOCKET, RUN
from onestack.core.errors import OneStackError, PermanentError
from onestack.core.wait import until
from onestack.health.verify import guest as inside
from onestack.health.verify import guests as checks
from onestack.host import processes
from onestack.platform.places import NORTH_SOCKET

ACTIVE_SECONDS = 240.0
ANSWER_SECONDS = 180.0
"""Both with room for a boot under software emulation on a busy machine."""

TOKEN = "tested0ken"
"""What the guest writes to every empty disk it is given; it says on a page what its disks hold."""

# The cloud is reached directly, whatever proxy this machine has for the Internet.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Guest:
    """`server`: its id; `name`: what it calls itself; `address`: its floating IP."""

    server: str
    name: str
    address: str


def start(cloud: Cloud, name: str = "served") -> Guest:
    """Network, router, security group, server, floating IP; returns when it answers."""
    guest = cloud.run(lambda: _make(cloud.connect(), name))
    wait_answers(cloud, guest)
    return guest


def _make(admin: Connection, name: str) -> Guest:
    net = admin.network
    public = net.find_network("public", ignore_missing=False)
    network = net.create_network(name=name)
    subnet = net.create_subnet(name=name, network_id=network.id, ip_version=4, cidr="10.77.0.0/24")
    router = net.create_router(name=name, external_gateway_info={"network_id": public.id})
    net.add_interface_to_router(router.id, subnet.id)
    group = net.create_security_group(name=name)
    net.create_security_group_rule(
        security_group_id=group.id,
        direction="ingress",
        ethertype="IPv4",
        protocol="tcp",
        port_range_min=80,
        port_range_max=80,
    )
    port = net.create_port(name=name, network_id=network.id, security_group_ids=[group.id])
    ip = net.create_ip(floating_network_id=public.id, port_id=port.id)
    server = made(admin, name, {"port": port.id}, user_data=inside.encoded(inside.identity_script(TOKEN)))
    return Guest(server, name, ip.floating_ip_address)


def made(admin: Connection, name: str, nic: dict[str, str], **more: str) -> str:
    """The id of a new server from the tiny image, once it runs."""
    server = admin.compute.create_server(
        name=name,
        image_id=admin.image.find_image("tiny", ignore_missing=False).id,
        flavor_id=admin.compute.find_flavor("m1.nano", ignore_missing=False).id,
        networks=[nic],
        **more,
    )
    active(admin, server.id)
    return str(server.id)


def active(admin: Connection, server: str, seconds: float = ACTIVE_SECONDS) -> None:
    """Wait until Nova says that a server runs."""

    def look() -> tuple[bool, str]:
        now = admin.compute.get_server(server)
        if now.status == "ERROR":
            raise PermanentError(f"server {server} went to ERROR: {now.fault}")
        return now.status == "ACTIVE", f"{now.status}, task {now.task_state or 'none'}"

    until(f"server {server} to be ACTIVE", look, seconds=seconds, every=0.5)


def wait_active(cloud: Cloud, guest: Guest, seconds: float = ACTIVE_SECONDS) -> None:
    """Wait until Nova says that the guest runs."""
    cloud.run(lambda: active(cloud.connect(), guest.server, seconds))


def wait_answers(cloud: Cloud, guest: Guest, seconds: float = ANSWER_SECONDS) -> None:
    """Wait until the guest itself answers HTTP at its floating IP."""

    def look() -> tuple[bool, str]:
        try:
            with _DIRECT.open(f"http://{guest.address}/", timeout=5) as answer:
                page = answer.read().decode()
        except OSError as error:
            return False, str(error)
        return f"hostname={guest.name}" in page, page

    def evidence() -> str:
        # Whether it is the guest or the way to it.
        admin = cloud.connect()
        server = admin.compute.get_server(guest.server)
        return "\n".join((checks.evidence(admin, server), *wiring(cloud, admin, guest)))

    what = f"{guest.name} to answer at {guest.address}"
    cloud.run(lambda: until(what, look, seconds=seconds, every=0.3, evidence=evidence))


def wiring(cloud: Cloud, admin: Connection, guest: Guest) -> Iterator[str]:
    """What OVN and the switch know of the guest's ports, what they counted there, what DHCP was answered, and who
    beside the cloud's own end answers for an address."""
    site = cloud.site
    north = ("ovn-nbctl", f"--db=unix:{NORTH_SOCKET}", "--timeout=15")
    switch = ("ovs-vsctl", f"--db=unix:{OVSDB_SOCKET}", "--timeout=15")
    ports = list(admin.network.ports(device_id=guest.server))
    asked = [["ip", "neigh"], [*north, "--columns=name,ports,acls", "list", "Port_Group"]]
    for port in ports:
        asked.append([*north, "find", "Logical_Switch_Port", f"name={port.id}"])
        asked.append([*switch, "find", "Interface", f"external_ids:iface-id={port.id}"])
    asked.append(
        ["ovs-appctl", f"--target={RUN}/openvswitch/ovs-vswitchd.ctl", "dpctl/dump-flows", "--names"]
    )
    for argv in asked:
        try:
            yield site.leader.inside(argv)
        except OneStackError as error:
            yield str(error)
    log = site.leader.log("ovn-controller").read_text().splitlines()
    names = [name for port in ports for name in (port.id, port.mac_address)]
    yield from (line for line in log if any(name in line for name in names))
    yield from log[-30:]


def qemus(cloud: Cloud) -> list[int]:
    """The process ids of the guests that run."""
    inside = processes.inside(cloud.paths.run)
    return sorted(each.pid for each in inside if each.is_guest)


def resources(cloud: Cloud) -> Mapping[str, set[str]]:
    """The ids of what the cloud holds, by kind: what must be the same after a fault or a restart."""

    def look() -> Mapping[str, set[str]]:
        admin = cloud.connect()
        kinds = {
            "projects": admin.identity.projects(),
            "users": admin.identity.users(),
            "endpoints": admin.identity.endpoints(),
            "images": admin.image.images(),
            "flavors": admin.compute.flavors(),
            "servers": admin.compute.servers(all_projects=True),
            "hypervisors": admin.compute.hypervisors(),
            "networks": admin.network.networks(),
            "subnets": admin.network.subnets(),
            "routers": admin.network.routers(),
            "ports": admin.network.ports(),
            "floating ips": admin.network.ips(),
            "agents": admin.network.agents(),
            "resource providers": admin.placement.resource_providers(),
        }
        return {kind: {each.id for each in found} for kind, found in kinds.items()}

    return cloud.run(look)
