"""What a host's firewall table says: the cloud's ports are for its hosts alone; nothing about other ports."""

from __future__ import annotations

import re

from hosts.conftest import Views
from onestack.host import firewall
from onestack.platform import between_hosts


def tables(view: Views) -> dict[str, str]:
    return {each.here.name: between_hosts.rules(each, "t") for each in view.values()}


def ports(table: str) -> set[str]:
    found = re.search(r"tcp dport \{ (.*?) \}", table)
    assert found
    return set(found[1].split(", "))


def test_each_host_closes_what_it_listens_on_for_others(hosts: Views) -> None:
    found = tables(hosts)
    assert ports(found["c1"]) >= {"5671", "6642", "8775"}
    assert ports(found["n1"]) == {"16514", "16515", "49152-49215", "5900-5999"}
    assert all("udp dport { 6081 } drop" in table for table in found.values())


def test_the_api_is_for_everybody(hosts: Views) -> None:
    assert all("8080" not in table for table in tables(hosts).values())


def test_only_packets_to_the_hosts_own_address_are_judged_by_their_sender(hosts: Views) -> None:
    addresses = {name: each.here.address for name, each in hosts.items()}
    for name, table in tables(hosts).items():
        drops = [line for line in table.splitlines() if "drop" in line]
        assert drops
        for line in drops:
            assert (
                f"ip daddr {addresses[name]} ip saddr != {{ {', '.join(sorted(addresses.values()))} }}"
                in line
            )
        assert "policy accept" in table


def test_hosts_of_the_other_address_family_are_left_out() -> None:
    closed = firewall.Ports("tcp", ["5671"], ["2001:db8::2", "192.0.2.1"])
    table = firewall.rules("t", "2001:db8::1", [closed])
    assert "ip6 daddr 2001:db8::1 ip6 saddr != { 2001:db8::1, 2001:db8::2 }" in table
