"""`why volume`, `port` and `balancer` on a real cloud: causes that are made, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cloud import command, guests, members, volumes
from cloud.members import Field
from cloud.web import Web
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

HUGE = 9_000_000
"""GiB: more than the largest disk of a machine that runs tests, oversubscribed."""


def why(cloud: Cloud, kind: str, *words: str) -> tuple[int, dict[str, Any]]:
    done = command.onestack(cloud.paths.root, f"why {kind}", *words, "--json")
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


@pytest.fixture(scope="module")
def field(cloud: Cloud) -> Iterator[Field]:
    with members.in_network(cloud), members.field_of(cloud, "why", "10.68.0.0/24") as made:
        yield made


def test_a_volume_that_no_backend_takes(cloud: Cloud, field: Field) -> None:
    storage, undo = field.admin.block_storage, ExitStack()
    own = field.admin.current_project_id
    with undo:
        kind = storage.create_type(name="why-nowhere", extra_specs={"volume_backend_name": "nowhere"})
        undo.callback(storage.delete_type, kind)
        storage.put(f"/os-quota-sets/{own}", json={"quota_set": {"gigabytes": -1}}).raise_for_status()
        undo.callback(storage.delete, f"/os-quota-sets/{own}")
        for name, wanted, words in (
            (
                "why-type",
                {"size": 1, "volume_type": "why-nowhere"},
                "and the type 'why-nowhere' wants 'nowhere'",
            ),
            ("why-size", {"size": HUGE}, f"GiB free, and {HUGE} are wanted"),
        ):
            ident = storage.create_volume(name=name, **wanted).id
            undo.callback(volumes.gone, lambda ident=ident: storage.get_volume(ident))
            undo.callback(storage.delete_volume, ident)
            volumes.settled(lambda ident=ident: storage.get_volume(ident), "error")
            status, found = why(cloud, "volume", name)
            assert (status, found["cause"]) == (1, "backend"), found
            assert f"volume '{name}' could not be created: the only backend, '" in found["verdict"]
            assert words in found["verdict"]
            assert [part["status"] for part in found["parts"]] == ["up"]
            assert any(fact.startswith("Cinder says: ") for fact in found["facts"])
            told = command.succeed(cloud.paths.root, "logs", "--request", found["request_id"])
            assert "cinder" in told


def test_a_volume_that_another_server_has(cloud: Cloud, field: Field) -> None:
    compute, undo = field.admin.compute, ExitStack()
    nano = {
        "image_id": field.admin.image.find_image("tiny").id,
        "flavor_id": compute.find_flavor("m1.nano").id,
        "networks": "none",
    }
    with undo:
        ident = volumes.made(field.admin, name="why-had")
        undo.callback(field.admin.block_storage.delete_volume, ident)
        servers = {name: compute.create_server(name=name, **nano).id for name in ("why-one", "why-two")}
        for each in servers.values():
            undo.callback(compute.wait_for_delete, compute.get_server(each), wait=120)
            undo.callback(compute.delete_server, each)
            guests.active(field.admin, each)
        assert (
            "nothing keeps volume 'why-had' from server 'why-one'"
            in why(cloud, "volume", "why-had", "--server", "why-one")[1]["verdict"]
        )
        volumes.attached(field.admin, servers["why-one"], ident)
        status, found = why(cloud, "volume", "why-had")
        assert (status, found["cause"]) == (0, "none")
        assert "attached to server 'why-one'" in found["verdict"]
        status, found = why(cloud, "volume", ident, "--server", servers["why-two"])
        assert (status, found["cause"]) == (1, "in-use")
        assert "cannot be attached to server 'why-two': server 'why-one' has it" in found["verdict"]
        compute.delete_volume_attachment(servers["why-one"], ident)
        volumes.settled(lambda: field.admin.block_storage.get_volume(ident))


def test_ports_that_stay_down(cloud: Cloud, field: Field) -> None:
    proxy, here, undo = field.admin.network, cloud.site.view.here.name, ExitStack()

    def made(name: str, network: str, **more: Any) -> str:
        port = proxy.create_port(name=name, network_id=network, **more)
        undo.callback(proxy.delete_port, port.id)
        return str(port.id)

    with undo:
        own = field.network.id
        unused = made("why-unused", own)
        made("why-away", own, binding_host_id="nowhere")
        made("why-bare", own, binding_host_id=here, device_owner="compute:nova")
        made("why-off", own, is_admin_state_up=False)
        for name, cause, words in (
            (unused, "unused", "is not bound to a host: no server uses it"),
            (
                "why-away",
                "agent",
                "Neutron could not bind port 'why-away' on the host 'nowhere': the host 'nowhere' has no",
            ),
            ("why-bare", "claim", "no host has an interface with its id (OVS's external_ids:iface-id)"),
            ("why-off", "disabled", "port 'why-off' is DOWN: it is disabled"),
        ):
            status, found = why(cloud, "port", name)
            assert (status, found["cause"]) == (int(cause != "unused"), cause), found
            assert words in found["verdict"]
        machine = field.machine("why-up")
        until(
            "the port of a machine that is plugged in to be ACTIVE",
            lambda: ((found := why(cloud, "port", machine.address)[1])["cause"] == "none", found["verdict"]),
            seconds=60,
            every=0.5,
        )


def test_a_balancer_whose_member_a_security_group_shuts_out(cloud: Cloud, field: Field) -> None:
    proxy = field.admin.network
    closed = proxy.create_security_group(name="why-closed")
    machine = field.machine("why-member")
    try:
        proxy.update_port(machine.port_id, security_group_ids=[closed.id])
        web = Web(field, (machine,))
        monitor = web.made(
            web.api.create_health_monitor, pool_id=web.pool.id, type="HTTP", delay=1, timeout=1, max_retries=1,
            max_retries_down=1, url_path="/",
        )  # fmt: skip
        member = web.members[machine.name].id
        web.status("member", member, "ERROR", seconds=60)
        status, found = why(cloud, "balancer", "web")
        assert (status, found["cause"]) == (1, "rules"), found
        address = web.lb.vip_address
        assert (
            "its only member 'why-member' is ERROR: its security group 'why-closed' does not admit TCP port 80 from "
            f"the balancer's address {address}" in found["verdict"]
        )
        assert f"--dst-port 80 --remote-ip {address}" in found["hint"]
        # What it said to do is done: now nothing serves there.
        proxy.create_security_group_rule(
            security_group_id=closed.id, direction="ingress", ethertype="IPv4", protocol="tcp",
            port_range_min=80, port_range_max=80, remote_ip_prefix=f"{address}/32",
        )  # fmt: skip
        status, found = why(cloud, "balancer", web.lb.id)
        assert (status, found["cause"]) == (1, "check"), found
        assert (
            f"does not pass the health monitor (HTTP /, expected: 200) at {machine.address}:80"
            in found["verdict"]
        )
        machine.serve()
        web.status("member", member, "ONLINE", seconds=60)
        assert why(cloud, "balancer", "web")[0] == 0
        web.made(web.api.delete_health_monitor, monitor.id)
    finally:
        proxy.update_port(machine.port_id, security_group_ids=[field.group.id])
        proxy.delete_security_group(closed.id)


@pytest.mark.usefixtures("field")
@pytest.mark.parametrize("kind", ["volume", "port", "balancer"])
def test_what_is_not_there(cloud: Cloud, kind: str) -> None:
    status, found = why(cloud, kind, "nobody")
    assert status == 2
    assert f"there is no {kind} 'nobody'" in found["error"]
