"""What a spec chooses beside the defaults works: a second backend of volumes, the balancer provider of OVN, TLS."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from openstack.exceptions import SDKException

from cloud import guests, health, members, pages, volumes
from cloud.choices import HERE, THERE
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

SECONDS = 120.0


def test_links_and_locations_stay_with_tls(varied: Cloud) -> None:
    def work() -> None:
        client = pages.Reader(varied.connect())
        assert client.endpoint("identity").startswith("https://")
        for service, path, key in (
            ("identity", "users", "users"),
            ("network", "v2.0/ports", "ports"),
            ("compute", "flavors", "flavors"),
            ("block-storage", "types", "volume_types"),
        ):
            link = "volume_type_links" if key == "volume_types" else ""
            listing = pages.Listing(service, path, key, links=link)
            found = [each for page in client.pages(listing) for each in pages.ids(listing, page)]
            assert sorted(found) == sorted(client.whole(listing))
            for _, url in pages.links(client.get(f"{client.endpoint(service)}/{path}", service).json()):
                assert url.startswith("https://"), url
        base = client.endpoint("placement")
        made = client.post(f"{base}/resource_providers", {"name": "located"}).headers["Location"]
        assert made.startswith(f"{base}/resource_providers/")
        assert client.delete(made).status_code == 204

    varied.run(work)


def files(cloud: Cloud, backend: str) -> list[str]:
    folder: Path = cloud.paths.data / "cinder/volumes" / backend
    return [path.name for path in folder.glob("volume-*")]


@pytest.mark.parametrize("attached", [False, True], ids=["free", "attached"])
def test_another_type_moves_a_volume_with_what_it_holds(
    varied: Cloud, writer: guests.Guest, attached: bool
) -> None:
    def work() -> None:
        admin = varied.connect()
        storage = admin.block_storage
        with volumes.nothing_left(admin, writer.server):
            volume = volumes.made(admin)
            disk = volumes.attached(admin, writer.server, volume)
            volumes.guest_says(writer, disk, guests.TOKEN)
            if not attached:
                volumes.detached(admin, writer.server, volume)
            assert (len(files(varied, HERE)), len(files(varied, THERE))) == (1, 0)
            volumes.moved(admin, volume, THERE, "in-use" if attached else "available")
            until(
                "its first file to be gone",
                lambda: ((left := files(varied, HERE)) == [], str(left)),
                seconds=volumes.SECONDS,
                every=0.5,
            )
            assert storage.get_volume(volume).host.endswith(f"@{THERE}#{THERE}")
            assert len(files(varied, THERE)) == 1
            if not attached:
                disk = volumes.attached(admin, writer.server, volume)
            volumes.guest_says(writer, disk, guests.TOKEN)

    varied.run(work)
    assert files(varied, THERE) == []
    assert varied.check_volumes().left == ()


def test_octavia_that_is_back_before_neutron_makes_balancers_of_both_providers(varied: Cloud) -> None:
    """Its clients of Neutron are made once: those made while Neutron was away stayed useless."""
    before = health.pids(varied)
    for name in ("neutron", "octavia"):
        os.kill(before[name], signal.SIGKILL)
    for name in ("neutron", "octavia"):
        health.wait_back(varied, name, before[name])

    def work() -> None:
        admin = varied.connect()
        api = admin.load_balancer
        network = admin.network.create_network(name="late")
        subnet = admin.network.create_subnet(
            name="late", network_id=network.id, ip_version=4, cidr="10.78.0.0/24"
        )
        for provider in ("ovn", "haproxy"):
            made = api.create_load_balancer(name=provider, vip_subnet_id=subnet.id, provider=provider).id
            members.wait_active(admin, made, SECONDS)
            api.delete_load_balancer(made, cascade=True)
            members.wait_gone(admin, made, SECONDS)

    varied.run(work)


def test_the_provider_of_ovn_balances_tcp_and_refuses_the_rest(varied: Cloud, writer: guests.Guest) -> None:
    def work() -> None:
        admin = varied.connect()
        api, network = admin.load_balancer, admin.network
        subnet = network.find_subnet("served", ignore_missing=False).id
        (port,) = network.ports(device_id=writer.server)
        balancer = api.create_load_balancer(name="by-ovn", vip_subnet_id=subnet, provider="ovn").id

        members.wait_active(admin, balancer, SECONDS)
        listener = api.create_listener(
            name="web", protocol="TCP", protocol_port=80, load_balancer_id=balancer
        ).id
        members.wait_active(admin, balancer, SECONDS)
        pool = api.create_pool(protocol="TCP", lb_algorithm="SOURCE_IP_PORT", listener_id=listener).id
        members.wait_active(admin, balancer, SECONDS)
        address = port.fixed_ips[0]["ip_address"]
        api.create_member(pool, address=address, protocol_port=80, subnet_id=subnet)
        members.wait_active(admin, balancer, SECONDS)
        public = network.find_network("public", ignore_missing=False).id
        floating = network.create_ip(
            floating_network_id=public, port_id=api.get_load_balancer(balancer).vip_port_id
        )
        try:
            through = replace(writer, address=floating.floating_ip_address)
            guests.wait_answers(varied, through, SECONDS)
            with pytest.raises(SDKException, match="OVN provider does not support HTTP"):
                api.create_listener(protocol="HTTP", protocol_port=81, load_balancer_id=balancer)
        finally:
            network.delete_ip(floating)
            api.delete_load_balancer(balancer, cascade=True)
        members.wait_gone(admin, balancer, SECONDS)

    varied.run(work)
