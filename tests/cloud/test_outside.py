"""Guests reach the outside by name and by address, and through that nobody reaches another tenant's guest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud import guests, outside
from onestack import Cloud
from onestack.core.events import silent
from onestack.core.wait import until
from onestack.health.verify import guest as inside
from onestack.health.verify import removal, sdk, tenant
from onestack.health.verify.report import Recorder
from onestack.health.verify.tenant_network import make_network

pytestmark = pytest.mark.cloud

PAGE = "reached.txt"
SCRIPT = """#!/bin/sh
get() { timeout 8 wget -q -T 3 -O - "http://$1/" 2>/dev/null || echo failed; }
for try in 1 2 3 4 5 6; do
    by_address="$(get %(server)s)" by_name="$(get %(name)s)"
    [ "$by_name" = failed ] || break
done
neighbour="$(get %(private)s)"
floating="$(get %(floating)s)"
echo "by_address=$by_address by_name=$by_name neighbour=$neighbour floating=$floating" >/var/www/%(page)s.new
mv /var/www/%(page)s.new /var/www/%(page)s
"""


@pytest.fixture
def world(cloud: Cloud) -> Iterator[outside.Outside]:
    with outside.pretended(cloud) as found:
        yield found


def test_a_guest_reaches_the_outside_and_not_another_tenants_guest(
    cloud: Cloud, guest: guests.Guest, world: outside.Outside
) -> None:
    assert world.resolver, "this machine has no DNS server but on loopback: nothing to hand out"

    def body() -> dict[str, str]:
        admin = cloud.connect()
        port = next(iter(admin.network.ports(device_id=guest.server)))
        words = {
            "server": outside.SERVER,
            "name": outside.NAME,
            "private": port.fixed_ips[0]["ip_address"],
            "floating": guest.address,
            "page": PAGE,
        }
        owner = tenant.create(admin, cloud.connect, f"{tenant.PREFIX}outside")
        try:
            # Its subnet names no DNS server.
            place = make_network(Recorder(silent), owner, "public", "network")
            port = owner.cloud.network.create_port(
                network_id=place.network.id, security_group_ids=[place.group.id]
            )
            ip = owner.cloud.network.create_ip(floating_network_id=place.external.id, port_id=port.id)
            guests.made(owner.cloud, "explorer", {"port": port.id}, user_data=inside.encoded(SCRIPT % words))
            page = until(
                "the guest to report what it reached",
                lambda: inside.fetch(ip.floating_ip_address, PAGE),
                seconds=guests.ANSWER_SECONDS,
                every=0.5,
            )
        finally:
            removal.sweep(admin, tenant.is_ours, sdk.services(admin))
        return dict(inside.facts(page))

    seen = cloud.run(body)
    # Outside, guests have the address of the machine.
    assert seen["by_address"] == outside.UPLINK
    assert seen["by_name"] == outside.UPLINK
    assert seen["neighbour"] == "failed"
    # So that "failed" cannot mean that there was no server.
    assert seen["floating"] == f"hostname={guest.name}"
