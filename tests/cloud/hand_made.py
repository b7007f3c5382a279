"""What somebody does to a cloud by hand, each with what drift must say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openstack.connection import Connection


class Acme:
    """What examples/acme.yaml made, found by name."""

    def __init__(self, admin: Connection) -> None:
        self.admin = admin
        self.shop = admin.identity.find_project("acme-shop", ignore_missing=False)

    def of_shop(self, listed: Any, name: str) -> Any:
        return next(one for one in listed(project_id=self.shop.id) if one.name == name)

    def server(self, name: str) -> Any:
        return next(one for one in self.admin.compute.servers(all_projects=True) if one.name == name)

    def user(self, name: str) -> Any:
        return self.admin.identity.find_user(name, ignore_missing=False)

    def role(self, name: str) -> Any:
        return self.admin.identity.find_role(name, ignore_missing=False)

    @property
    def group(self) -> Any:
        return self.of_shop(self.admin.network.security_groups, "web")

    def port(self, name: str) -> Any:
        return self.of_shop(self.admin.network.ports, name)

    def floating_ip(self, server: str) -> Any:
        port = self.port(f"{server}.front")
        return next(one for one in self.admin.network.ips() if one.port_id == port.id)


@dataclass(frozen=True)
class Deed:
    """`does` it; then drift must be one change: `action` on `address`, in `field` if there is one."""

    does: Callable[[Acme], object]
    action: str
    address: str
    field: str = ""


def _delete_rule(at: Acme) -> None:
    rule = next(
        r for r in at.admin.network.security_group_rules(security_group_id=at.group.id) if r.protocol == "tcp"
    )
    at.admin.network.delete_security_group_rule(rule)


def _resize(at: Acme) -> None:
    server = at.server("web-1")
    # Its disk is of the same size: no guest's disk ever shrinks again.
    at.admin.compute.resize_server(server, at.admin.compute.find_flavor("m1.nano").id)
    at.admin.compute.wait_for_server(at.server("web-1"), "VERIFY_RESIZE", wait=300)
    at.admin.compute.confirm_server_resize(server)
    at.admin.compute.wait_for_server(at.server("web-1"), "ACTIVE", wait=300)


def _stop(at: Acme) -> None:
    at.admin.compute.stop_server(at.server("web-2"))
    at.admin.compute.wait_for_server(at.server("web-2"), "SHUTOFF", wait=300)


def _delete_server(at: Acme) -> None:
    server = at.server("web-2")
    at.admin.compute.delete_server(server)
    at.admin.compute.wait_for_delete(server, wait=300)


DEEDS = {
    "deleted rule": Deed(_delete_rule, "create", "security group rule acme-shop/web/ingress tcp 80"),
    "added rule": Deed(
        lambda at: at.admin.network.create_security_group_rule(
            security_group_id=at.group.id,
            direction="ingress",
            protocol="tcp",
            port_range_min=22,
            port_range_max=22,
        ),
        "delete",
        "security group rule acme-shop/web/ingress tcp 22",
    ),
    "resized server": Deed(_resize, "update", "server acme-shop/web-1", "flavor"),
    "renamed network": Deed(
        lambda at: at.admin.network.update_network(
            at.of_shop(at.admin.network.networks, "front"), name="renamed"
        ),
        "update",
        "network acme-shop/front",
        "name",
    ),
    "changed quota": Deed(
        lambda at: at.admin.set_compute_quotas(at.shop.id, instances=7),
        "update",
        "quota acme-shop/compute",
        "instances",
    ),
    "removed role": Deed(
        lambda at: at.admin.identity.unassign_project_role_from_user(
            at.shop, at.user("acme-shop-lead"), at.role("member")
        ),
        "create",
        "role of user acme-shop/acme-shop-lead/member",
    ),
    "given role": Deed(
        lambda at: at.admin.identity.assign_project_role_to_user(
            at.shop, at.user("acme-shop-audit"), at.role("admin")
        ),
        "delete",
        "role of user acme-shop/acme-shop-audit/admin",
    ),
    "stopped server": Deed(_stop, "update", "server acme-shop/web-2", "state"),
    "changed metadata": Deed(
        lambda at: at.admin.compute.set_server_metadata(at.server("web-1"), tier="back"),
        "update",
        "server acme-shop/web-1",
        "metadata",
    ),
    "removed from the group": Deed(
        lambda at: at.admin.identity.remove_user_from_group(
            at.user("acme-shop-lead"), at.admin.identity.find_group("acme-shop-team")
        ),
        "create",
        "group member acme-shop-team/acme-shop-lead",
    ),
    "disabled user": Deed(
        lambda at: at.admin.identity.update_user(at.user("acme-shop-lead"), is_enabled=False),
        "update",
        "user acme-shop-lead",
        "enabled",
    ),
    "deleted floating IP": Deed(
        lambda at: at.admin.network.delete_ip(at.floating_ip("web-1")),
        "create",
        "floating ip acme-shop/web-1",
    ),
    "floating IP led elsewhere": Deed(
        lambda at: at.admin.network.update_ip(at.floating_ip("web-2"), port_id=None),
        "update",
        "floating ip acme-shop/web-2",
        "port_id",
    ),
    "subnet without DHCP": Deed(
        lambda at: at.admin.network.update_subnet(
            at.of_shop(at.admin.network.subnets, "front"), is_dhcp_enabled=False
        ),
        "update",
        "subnet acme-shop/front/front",
        "enable_dhcp",
    ),
    "router off": Deed(
        lambda at: at.admin.network.update_router(
            at.of_shop(at.admin.network.routers, "edge"), is_admin_state_up=False
        ),
        "update",
        "router acme-shop/edge",
        "admin_state_up",
    ),
    "port's groups": Deed(
        lambda at: at.admin.network.update_port(at.port("web-1.front"), security_groups=[]),
        "update",
        "port acme-shop/web-1.front",
        "security_groups",
    ),
    "renamed server": Deed(
        lambda at: at.admin.compute.update_server(at.server("web-1"), name="else"),
        "update",
        "server acme-shop/web-1",
        "name",
    ),
    "disabled tenant": Deed(
        lambda at: at.admin.identity.update_project(at.shop, is_enabled=False),
        "update",
        "tenant acme-shop",
        "enabled",
    ),
    "deleted server": Deed(_delete_server, "create", "server acme-shop/web-2"),
}
