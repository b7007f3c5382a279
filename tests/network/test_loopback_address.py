"""An address on the loopback interface, in a real kernel: two network namespaces with a link between them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from onestack.host import loopback_address, network
from onestack.host.command import run
from onestack.host.netns import Network

ADDRESS = "192.0.2.10"
NEIGHBOUR = "192.0.2.11"
SECONDS = 1.0
"""For an answer over a link of this machine."""


@pytest.fixture
def neighbour() -> Iterator[Network]:
    """The calling thread is in one of the namespaces; this is the other."""
    names = [f"onestack-loopback-{side}-{os.getpid()}" for side in ("here", "there")]
    try:
        for name in names:
            run(["ip", "netns", "add", name])
        here, there = (Network(Path("/run/netns") / name) for name in names)
        with here.entered():
            run(["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", names[1]])
            _configured("192.0.2.12")
            with there.entered():
                _configured(NEIGHBOUR)
            yield there
    finally:
        for name in names:
            with suppress(Exception):
                run(["ip", "netns", "delete", name])


def _configured(address: str) -> None:
    run(["ip", "address", "add", f"{address}/24", "dev", "eth0"])
    for link in ("lo", "eth0"):
        run(["ip", "link", "set", link, "up"])


def _reached() -> bool:
    """Whether the address answers to ARP; nothing listens at the port."""
    run(["ip", "neighbour", "flush", "dev", "eth0"])
    with socket.socket() as tried:
        tried.settimeout(SECONDS)
        try:
            tried.connect((ADDRESS, 9))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    raise AssertionError("something listens")


@pytest.mark.cloud
def test_a_host_reaches_itself_and_answers_for_the_address_on_its_nic_alone(
    neighbour: Network, tmp_path: Path
) -> None:
    record = tmp_path / "before.json"
    setting = loopback_address.SETTING
    for _ in range(2):
        loopback_address.add(ADDRESS, record)
    with socket.socket() as server:
        server.bind((ADDRESS, 0))
        server.listen()
        with socket.create_connection(server.getsockname(), SECONDS) as client:
            assert client.getsockname()[0] == ADDRESS
            with neighbour.entered():
                assert not _reached()
            run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "eth0"])
            with neighbour.entered():
                assert _reached()
            # The address moves to another host: what was connected before goes on.
            network.drop_address(ADDRESS, keep=loopback_address.LOOPBACK)
            other, _ = server.accept()
            with other:
                client.sendall(b"more")
                other.settimeout(SECONDS)
                assert other.recv(4) == b"more"
    assert setting.read_text().strip() == "1"
    for _ in range(2):
        loopback_address.remove(ADDRESS, record)
    assert setting.read_text().strip() == "0" and not record.exists()
    assert ADDRESS not in run(["ip", "address", "show"])


@pytest.mark.cloud
def test_a_setting_of_the_hosts_owner_is_kept(neighbour: Network, tmp_path: Path) -> None:
    record, setting = tmp_path / "before.json", loopback_address.SETTING
    setting.write_text("2")
    loopback_address.add(ADDRESS, record)
    assert setting.read_text().strip() == "2"
    loopback_address.remove(ADDRESS, record)
    assert setting.read_text().strip() == "2"


def test_the_setting_of_an_earlier_boot_is_not_restored(tmp_path: Path) -> None:
    record, setting = tmp_path / "before.json", tmp_path / "arp_ignore"
    setting.write_text("1\n")
    record.write_text('{"boot": "an earlier one", "arp_ignore": "0"}')
    loopback_address.remove("192.0.2.99", record, setting)
    assert setting.read_text() == "1\n" and not record.exists()
