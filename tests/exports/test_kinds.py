"""What each kind says of an existing resource, and what no spec can say."""

from __future__ import annotations

from typing import Any

import pytest

from exports.model import ModelCloud, existing
from onestack.workloads.plan import Address, Observed, Ref

TENANT = Observed(Address("tenant", ("shop",)), "p1", {"name": "shop"})
LAN = Address("network", ("shop", "lan"))


def there(kind: str, *path: str, ident: str = "", raw: dict[str, Any] | None = None, **fields: Any) -> Any:
    """One resource, with all fields that its kind has, and the API's response."""
    of_kind = ModelCloud.kinds[kind]
    everything = dict.fromkeys(of_kind.fields) | fields
    needs = (TENANT.address,) if len(path) == 2 else ()
    return Observed(Address(kind, path), ident or "/".join(path), everything, None, needs), raw or {}


def said(kind: str, *path: str, of: list[Any]) -> Any:
    """What is said of the resource at `path`, and why it is left out."""
    world = existing((TENANT, {}), *of)
    one = world.get(Address(kind, path))
    model = getattr(ModelCloud.kinds[kind].in_tenant, "model", None)
    item = ModelCloud.kinds[kind].told(one, world, model)
    return item, world


def subnet(**fields: Any) -> Any:
    whole = {"cidr": "10.1.0.0/24", "gateway_ip": "10.1.0.1", "enable_dhcp": True, "dns_nameservers": []}
    return there("subnet", "shop", "lan", "lan", **(whole | fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"cidr": "10.1.0.0/24"}),
        ({"allocation_pools": [{"start": "10.1.0.2", "end": "10.1.0.254"}]}, {"cidr": "10.1.0.0/24"}),
        (
            {"allocation_pools": [{"start": "10.1.0.50", "end": "10.1.0.60"}]},
            {"cidr": "10.1.0.0/24", "pool": ["10.1.0.50", "10.1.0.60"]},
        ),
        ({"gateway_ip": None}, {"cidr": "10.1.0.0/24", "gateway": "none"}),
        ({"gateway_ip": "10.1.0.254"}, {"cidr": "10.1.0.0/24", "gateway": "10.1.0.254"}),
        ({"enable_dhcp": False, "dns_nameservers": ["192.0.2.53"]},
         {"cidr": "10.1.0.0/24", "dhcp": False, "dns": ["192.0.2.53"]}),
        ({"cidr": "2001:db8::/64", "gateway_ip": "2001:db8::1", "ipv6_ra_mode": "slaac",
          "ipv6_address_mode": "slaac"},
         {"cidr": "2001:db8::/64"}),
    ],
)  # fmt: skip
def test_a_subnet_says_what_differs_from_neutrons_defaults(fields: Any, expected: Any) -> None:
    assert said("subnet", "shop", "lan", "lan", of=[subnet(**fields)])[0] == expected


def test_an_ipv6_subnet_of_another_mode_is_left_out() -> None:
    other = subnet(cidr="2001:db8::/64", gateway_ip=None, ipv6_ra_mode="dhcpv6-stateful")
    item, world = said("subnet", "shop", "lan", "lan", of=[other])
    assert item is None
    assert "slaac" in world.omitted[Address("subnet", ("shop", "lan", "lan"))]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 80}, {"protocol": "tcp", "ports": 80}),
        (
            {"protocol": "udp", "port_range_min": 8000, "port_range_max": 8100},
            {"protocol": "udp", "ports": "8000-8100"},
        ),
        ({"protocol": "icmp", "port_range_min": 8}, {"protocol": "icmp", "ports": 8}),
        ({"ethertype": "IPv6"}, {"ipv6": True}),
        ({"ethertype": "IPv6", "remote_ip_prefix": "2001:db8::/32"}, {"cidr": "2001:db8::/32"}),
        ({"direction": "egress", "protocol": "tcp"}, {"direction": "egress", "protocol": "tcp"}),
        ({"protocol": "icmp", "port_range_min": 8, "port_range_max": 8}, None),
        ({"remote_group_id": "of another tenant"}, None),
    ],
)
def test_a_rule_is_said_in_the_specs_words(fields: Any, expected: Any) -> None:
    whole = {"direction": "ingress", "ethertype": "IPv4"} | fields
    rule = Observed(Address("security group rule", ("shop", "web", "rule")), "r", whole)
    assert said("security group rule", "shop", "web", "rule", of=[(rule, {})])[0] == expected


def server(name: str, ports: list[str], networks: list[str], **fields: Any) -> Any:
    raw = {"ports": ports, "addresses": {network: [] for network in networks}}
    flavor = Ref(Address("flavor", ("m1.nano",)))
    image = Ref(Address("image", ("tiny",)))
    whole = {"flavor": flavor, "image": image, "state": "running", "metadata": {}} | fields
    return there("server", "shop", name, ident=name, raw=raw, **whole)


def port(name: str, network: str = "lan", **fields: Any) -> Any:
    group = Ref(Address("security group", ("shop", "default")))
    whole = {"network_id": Ref(Address("network", ("shop", network))), "admin_state_up": True}
    return there("port", "shop", name, ident=name, **(whole | {"security_groups": [group]} | fields))


DEFAULT = there("security group", "shop", "default")
NETWORKS = [there("network", "shop", name) for name in ("lan", "wan")]


def test_a_servers_networks_are_in_the_order_of_its_interfaces() -> None:
    of = [
        DEFAULT,
        *NETWORKS,
        port("web.lan"),
        port("web.wan", "wan"),
        server("web", ["web.lan", "web.wan"], ["wan", "lan"]),
    ]
    item, _ = said("server", "shop", "web", of=of)
    assert item["networks"] == [{"network": "wan"}, {"network": "lan"}]
    assert "security_groups" not in item


def test_a_port_that_a_server_alone_cannot_say_is_listed() -> None:
    odd = port("web.lan", description="With a word of its own")
    of = [DEFAULT, *NETWORKS, odd, server("web", ["web.lan"], ["lan"])]
    item, world = said("server", "shop", "web", of=of)
    assert item["networks"] == [{"port": "web.lan"}]
    listed = ModelCloud.kinds["port"].section(world, TENANT.address)
    assert [one["name"] for one in listed["ports"]] == ["web.lan"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"image": "an id"}, "which is not there"),
        ({"image": None}, "boots from a volume that is not there"),
        ({"flavor": Ref(Address("flavor", ("x" * 200,)))}, "whose name cannot be in a spec"),
    ],
)
def test_a_server_that_no_spec_says_is_left_out_with_the_reason(fields: Any, why: str) -> None:
    item, world = said("server", "shop", "web", of=[server("web", [], [], **fields)])
    assert item is None
    assert why in world.omitted[Address("server", ("shop", "web"))]


def test_a_floating_ip_is_the_servers_own_only_if_it_is_called_so() -> None:
    public = Ref(Address("network", ("public",)))
    lan = Ref(Address("port", ("shop", "web.lan")))
    machine = [DEFAULT, *NETWORKS, port("web.lan"), server("web", ["web.lan"], ["lan"])]
    own = there("floating ip", "shop", "web", floating_network_id=public, port_id=lan)
    assert said("server", "shop", "web", of=[*machine, own])[0]["floating_ip"] == "public"
    other = there("floating ip", "shop", "203.0.113.5", floating_network_id=public, port_id=lan)
    assert "floating_ip" not in said("server", "shop", "web", of=[*machine, other])[0]
    item, _ = said("floating ip", "shop", "203.0.113.5", of=[*machine, other])
    assert item == {"name": "203.0.113.5", "server": "web"}


def test_two_with_one_name_are_said_once_with_a_warning() -> None:
    first, second = there("network", "shop", "lan", ident="1"), there("network", "shop", "lan", ident="2")
    world = existing((TENANT, {}), first, second)
    assert list(world.warnings) == [
        "network shop/lan: there are two with this name; only 1 is in the file, not 2"
    ]


def test_what_others_own_is_left_out() -> None:
    theirs = Observed(
        LAN, "1", dict.fromkeys(ModelCloud.kinds["network"].fields), "theirs", (TENANT.address,)
    )
    world = existing((TENANT, {}), (theirs, {}))
    assert ModelCloud.kinds["network"].section(world, TENANT.address) == {}
    assert world.omitted == {LAN: "it belongs to the spec 'theirs'"}


def test_an_image_names_its_checksum_and_where_to_save_it() -> None:
    raw = {
        "os_hash_algo": "sha512",
        "os_hash_value": "a" * 128,
        "os_distro": "debian",
        "size": 5,
        "owner": "p1",
    }
    image = there(
        "image", "shop", "golden", ident="i1", raw=raw, status="active", disk_format="raw",
        visibility="private", min_disk=0, min_ram=0, protected=False,
    )  # fmt: skip
    item, world = said("image", "shop", "golden", of=[image])
    assert item["checksum"] == f"sha512:{'a' * 128}"
    assert item["properties"] == {"os_distro": "debian"}
    assert "openstack image save --file FILE i1" in world.comments[Address("image", ("shop", "golden"))][0]
