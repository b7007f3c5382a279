"""The commands that plug a balancer, as data."""

from __future__ import annotations

from onestack_runtime.drivers.balancer import plug
from onestack_runtime.drivers.balancer.places import Place
from onestack_runtime.drivers.balancer.plug import Interface

PLACE = Place("e951c62f-85c1-4fbb-b8e3-f8128b7d0175")
CARD = Interface(
    "port-id", "fa:16:3e:00:00:01", 1442, ("10.0.0.9/24", "fd00::9/64"), ("10.0.0.1", "fd00::1"),
    (("192.0.2.0/24", "10.0.0.7"),),
)  # fmt: skip


def test_the_card_is_the_vip_port_to_ovn() -> None:
    words = plug.add_port_command(PLACE, CARD)
    assert words[words.index("add-port") + 1 :][:2] == ["br-int", PLACE.name]
    assert "external_ids:iface-id=port-id" in words
    assert 'external_ids:attached-mac="fa:16:3e:00:00:01"' in words


def test_sums_are_made_before_packets_reach_the_userspace_switch() -> None:
    offloads = [argv for argv in plug.veth_commands(PLACE, CARD) if "ethtool" in argv]
    assert [argv[-3:] for argv in offloads] == [
        [PLACE.name, "tx", "off"],
        ["eth0", "tx", "off"],
    ]


def test_addresses_and_routes_of_both_versions() -> None:
    said = [" ".join(argv[argv.index("--") + 1 :]) for argv in plug.address_commands(PLACE, CARD)]
    assert said == [
        "ip link set eth0 mtu 1442 up",
        "ip address replace 10.0.0.9/24 dev eth0",
        "ip address replace fd00::9/64 dev eth0 nodad",
        "ip -4 route replace default via 10.0.0.1 dev eth0 onlink",
        "ip -6 route replace default via fd00::1 dev eth0 onlink",
        "ip -4 route replace 192.0.2.0/24 via 10.0.0.7 dev eth0 onlink",
    ]


def test_ports_are_taken_out_by_name() -> None:
    words = plug.delete_ports_command([PLACE.name])
    assert words[-5:] == ["--", "--if-exists", "del-port", "br-int", PLACE.name]
