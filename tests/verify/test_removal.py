"""All that a project holds is removed, in an order in which the cloud allows it, and nothing of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openstack.connection import Connection

from kinds.api import Api, served
from onestack.health.verify.removal import Holdings

ALL = frozenset({"identity", "image", "network", "compute", "block-storage", "load-balancer"})
OURS = {"project_id": "p1"}
BALANCER = {"id": "b1", "name": "www", **OURS, "provisioning_status": "ACTIVE"}


class Cloud(Api):
    """It forbids what OpenStack forbids: what is in use cannot be removed."""

    def __init__(self) -> None:
        super().__init__(self._forbidden)
        self.things = {
            "/servers": [{"id": "s1", "name": "vm", **OURS}],
            "/backups": [
                {"id": "k1", "name": "full", **OURS, "created_at": "2026-01-01T00:00:00"},
                {"id": "k2", "name": "incremental", **OURS, "created_at": "2026-01-02T00:00:00"},
            ],
            "/snapshots": [{"id": "sn1", "name": "before", **OURS, "created_at": "2026-01-01T00:00:00"}],
            "/volumes": [
                {"id": "v1", "name": "data", **OURS, "created_at": "2026-01-01T00:00:00"},
                {"id": "v2", "name": "other", "project_id": "p2", "created_at": "2026-01-01T00:00:00"},
            ],
            "/lbaas/loadbalancers": [dict(BALANCER)],
            "/floatingips": [{"id": "f1", "floating_ip_address": "172.24.4.20", **OURS}],
            "/routers": [{"id": "r1", "name": "router", **OURS}],
            "/ports": [
                self._port("i1", "", "r1", "network:router_interface"),
                self._port("m1", "", "dhcp", "network:distributed"),
                self._port("c1", "nic", "s1", "compute:nova"),
            ],
            "/networks": [{"id": "n1", "name": "net", **OURS}],
            "/security-groups": [
                {"id": "g1", "name": "web", **OURS},
                {"id": "g2", "name": "default", **OURS},
                {"id": "g3", "name": "default", "project_id": "p2"},
            ],
            "/images": [
                {"id": "im1", "name": "mine", "owner": "p1"},
                {"id": "im2", "name": "tiny", "owner": "p2"},
            ],
        }

    def _port(self, ident: str, name: str, device: str, owner: str) -> dict[str, Any]:
        return {"id": ident, "name": name, **OURS, "device_id": device, "device_owner": owner}

    def _forbidden(self, method: str, path: str) -> str | None:
        owners = [port["device_owner"] for port in self.things["/ports"]]
        in_the_way = {
            "/lbaas/loadbalancers/b1": False,
            "/volumes/v1": self.things["/servers"] or self.things["/snapshots"] or self.things["/backups"],
            "/backups/k1": len(self.things["/backups"]) > 1,
            "/routers/r1": "network:router_interface" in owners,
            "/networks/n1": [owner for owner in owners if owner != "network:distributed"],
            "/routers/r1/remove_router_interface": self.things["/floatingips"],
        }
        return f"{path} is needed" if in_the_way.get(path) else None

    @property
    def removed(self) -> list[str]:
        return [path.rpartition("/")[2] for _, path in self.asked]


@pytest.fixture
def api() -> Cloud:
    return Cloud()


@pytest.fixture
def connection(api: Cloud) -> Iterator[Connection]:
    with served(api) as made:
        yield made


def test_everything_goes_in_an_order_that_is_allowed(api: Cloud, connection: Connection) -> None:
    removed = [str(each) for each in Holdings(connection, "p1", ALL, everyone=True).remove()]
    assert sorted(removed) == [
        "backup full",
        "backup incremental",
        "floating ip 172.24.4.20",
        "image mine",
        "load balancer www",
        "network net",
        "port nic",
        "router interface i1",
        "router router",
        "security group default",
        "security group web",
        "server vm",
        "snapshot before",
        "volume data",
    ]
    assert api.removed[:2] == ["b1", "s1"]
    assert Holdings(connection, "p1", ALL, everyone=True).all() == []
    assert [group["id"] for group in api.things["/security-groups"]] == ["g3"]
    assert [image["id"] for image in api.things["/images"]] == ["im2"]
    assert [volume["id"] for volume in api.things["/volumes"]] == ["v2"]


def test_a_balancer_is_deleted_when_nothing_is_under_way_at_it(api: Cloud, connection: Connection) -> None:
    (balancer,) = api.things["/lbaas/loadbalancers"]
    balancer["provisioning_status"] = "PENDING_UPDATE"
    looks = iter(["PENDING_UPDATE", "ACTIVE"])
    answer = api.answer

    def settles(method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path == "/lbaas/loadbalancers/b1" and method == "GET":
            balancer["provisioning_status"] = next(looks)
        if path == "/lbaas/loadbalancers/b1" and method == "DELETE":
            assert (balancer["provisioning_status"], query) == ("ACTIVE", {"cascade": "true"})
        return answer(method, path, query, body)

    api.answer = settles  # type: ignore[method-assign]
    Holdings(connection, "p1", frozenset({"load-balancer"}), everyone=True).remove()
    assert api.removed == ["b1"]


def test_a_tenant_leaves_its_default_group_to_the_administrator(api: Cloud, connection: Connection) -> None:
    api.things["/volumes"].pop()  # the API shows a tenant its own only
    Holdings(connection, "p1", ALL).remove()
    assert [str(each) for each in Holdings(connection, "p1", ALL, everyone=True).all()] == [
        "security group default"
    ]


def test_services_that_are_not_there_are_not_asked(api: Cloud, connection: Connection) -> None:
    held = Holdings(connection, "p1", frozenset({"identity", "image"})).all()
    assert [str(each) for each in held] == ["image mine"]
    assert api.read == {"/images"}
