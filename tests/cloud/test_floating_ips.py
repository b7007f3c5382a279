"""From one router's networks to floating IPs behind another one, which is the longest way through the datapath."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud import members
from cloud.members import Field, Machine
from cloud.web import Web
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

TIMES = 6
"""OVN handles a way's first packets itself; those that follow are the datapath's."""
ASK = """
import sys, urllib.request
for _ in range(int(sys.argv[2])):
    print(urllib.request.urlopen(f"http://{sys.argv[1]}/", timeout=5).read().decode())
"""


@pytest.fixture(scope="module")
def near(cloud: Cloud) -> Iterator[Field]:
    with members.in_network(cloud), members.field_of(cloud, "near", "10.68.0.0/24") as made:
        yield made


@pytest.fixture(scope="module")
def far(near: Field) -> Iterator[Field]:
    with members.field_of(near.cloud, "far", "10.69.0.0/24") as made:
        yield made


@pytest.fixture(scope="module")
def served(far: Field) -> str:
    """A floating IP behind the other router, with a server that says its name."""
    machine = far.machine("served")
    machine.serve()
    return public(far, machine)


def public(field: Field, machine: Machine) -> str:
    ip = field.admin.network.create_ip(floating_network_id=field.external.id, port_id=machine.port_id)
    field.floating_ips.append(ip.id)
    return str(ip.floating_ip_address)


def asks(client: Machine, address: str) -> None:
    """It is answered each time, after it was answered once."""

    def once() -> tuple[bool, str]:
        try:
            return client.run("python3", "-c", ASK, address, "1").split() == ["served"], ""
        except Exception as error:
            return False, str(error)

    until(f"{address} to answer", once, seconds=30, every=0.5)
    assert client.run("python3", "-c", ASK, address, str(TIMES)).split() == ["served"] * TIMES


@pytest.mark.parametrize("own", [True, False], ids=["from a floating IP", "by the router's address"])
def test_another_routers_floating_ip_answers_every_time(near: Field, served: str, *, own: bool) -> None:
    client = near.machine("own" if own else "shared")
    if own:
        public(near, client)
    asks(client, served)


def test_a_balancers_members_may_be_floating_ips_of_another_router(near: Field, served: str) -> None:
    web = Web(near, ())
    try:
        web.made(web.api.create_member, web.pool.id, address=served, protocol_port=80)
        web.answers({"served"}, times=TIMES)
    finally:
        web.remove()
        near.gone(web.lb.id)
