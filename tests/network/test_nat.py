"""NAT in a real kernel, in a network namespace of the test's: what was there before is there again afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from onestack.core.paths import Paths
from onestack.host import egress, nat
from onestack.host.command import run
from onestack.host.netns import Network
from onestack.host.network import HERE
from onestack.platform import takedown

CIDR = "172.24.4.0/24"


def test_each_root_has_a_table_of_its_own() -> None:
    names = {nat.table(Paths.at(root)) for root in ("/", "/srv/one", "/srv/two")}
    assert len(names) == 3
    assert nat.table(Paths.at("/")) == "onestack"


def test_where_packets_were_forwarded_already_nothing_is_dropped() -> None:
    settings = {"ip_forward": "1", "conf/eth0/forwarding": "1"}
    assert "drop" not in nat.rules("t", CIDR, nat.Before("b", False, "/base", settings))
    closed = nat.rules("t", CIDR, nat.Before("b", False, "/base", {**settings, "ip_forward": "0"}))
    assert 'iifname { "eth0" } drop' in closed


def test_what_was_in_a_network_namespace_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    """Nothing of the machine's own is put back to what it was in there."""
    paths = Paths.at(tmp_path)
    nat.record(paths).parent.mkdir(parents=True)
    boot = nat.BOOT.read_text().strip()
    gone = nat.Before(boot, isolated=True, base="/nowhere", settings={"ip_forward": "0"})
    nat.record(paths).write_text(json.dumps(asdict(gone)))
    takedown.remove_nat(paths)
    assert not nat.record(paths).exists()
    takedown.remove_nat(paths)


@pytest.fixture
def base() -> Path:
    found = Paths.at().release("2026.2") / "base"
    if not found.exists() or os.geteuid() != 0:
        pytest.fail(f"this test needs root, and {found}, which `onestack up` builds")
    return found


@pytest.fixture
def machine() -> Iterator[None]:
    """The calling thread is in a network namespace with an interface, a neighbour at it, and a firewall's table."""
    name = f"onestack-nat-{os.getpid()}"
    run(["ip", "netns", "add", name])
    try:
        with Network(Path("/run/netns") / name).entered():
            for interface in ("eth0", HERE):
                run(["ip", "link", "add", interface, "type", "veth", "peer", "name", f"{interface[:8]}-peer"])
            yield
    finally:
        run(["ip", "netns", "delete", name])


def everything() -> dict[str, str]:
    """All of the IPv4 settings of this network namespace that can be read."""
    files = [*nat.SETTINGS.glob("*"), *nat.SETTINGS.glob("conf/*/*")]
    return {str(file): file.read_text() for file in files if file.is_file() and file.stat().st_mode & 0o400}


def tables(base: Path) -> str:
    return run([*nat.program(base, "nft"), "list", "ruleset"])


@pytest.mark.cloud
@pytest.mark.parametrize("forwarding", ["0", "1"])
def test_it_is_switched_on_and_off_without_a_trace(
    base: Path, machine: None, tmp_path: Path, forwarding: str
) -> None:
    paths = Paths.at(tmp_path)
    nft = nat.program(base, "nft")
    run([*nft, "add", "table", "ip", "onestack"])
    (nat.SETTINGS / "ip_forward").write_text(forwarding)
    # What a machine's owner set must not become what the kernel makes of it.
    (nat.SETTINGS / "conf/all/accept_redirects").write_text("0")
    (nat.SETTINGS / "conf/eth0/forwarding").write_text("1")
    before, ruleset = everything(), tables(base)

    nat.switch_on(paths, base, CIDR, isolated=False)
    seen = egress.collect(base, nat.table(paths))
    assert (seen.forwarding, seen.translated, seen.closed_by) == (True, True, ())
    assert seen.interface == ""
    kept, on = nat.record(paths).read_text(), tables(base)
    # Another `up`, an `up` that was killed half way, a firewall that was started anew: the record stays.
    nat.switch_on(paths, base, CIDR, isolated=False)
    assert tables(base).count("masquerade") == 1
    (nat.SETTINGS / "ip_forward").write_text("0")
    run([*nft, "delete", "table", "ip", nat.table(paths)])
    nat.switch_on(paths, base, CIDR, isolated=False)
    assert (nat.record(paths).read_text(), tables(base)) == (kept, on)

    assert nat.switch_off(paths)
    assert tables(base) == ruleset
    assert everything() == before
    assert not nat.record(paths).exists()
    assert not nat.switch_off(paths)
    assert tables(base) == ruleset


@pytest.mark.cloud
def test_a_record_of_an_earlier_boot_is_written_anew_and_never_put_back(
    base: Path, machine: None, tmp_path: Path
) -> None:
    paths = Paths.at(tmp_path)
    boot = tmp_path / "boot_id"
    boot.write_text("first\n")
    nat.switch_on(paths, base, CIDR, isolated=False, boot=boot)
    assert json.loads(nat.record(paths).read_text())["settings"]["ip_forward"] == "0"
    # The machine boots again, and forwards from now on.
    boot.write_text("second\n")
    assert nat.switch_off(paths, boot=boot)
    assert (nat.SETTINGS / "ip_forward").read_text().strip() == "1"
    nat.switch_on(paths, base, CIDR, isolated=False, boot=boot)
    assert json.loads(nat.record(paths).read_text())["settings"]["ip_forward"] == "1"


@pytest.mark.cloud
def test_a_machine_that_did_not_forward_is_no_router_for_its_neighbours(
    base: Path, machine: None, tmp_path: Path
) -> None:
    """Guests get out and are answered; what a neighbour begins is dropped."""
    paths = Paths.at(tmp_path)
    names = {side: f"onestack-nat-{side}-{os.getpid()}" for side in ("guest", "neighbour")}
    try:
        for side, ours, address, theirs in (
            ("guest", HERE, "172.24.4.1", "172.24.4.9"),
            ("neighbour", "eth0", "192.0.2.1", "192.0.2.9"),
        ):
            run(["ip", "netns", "add", names[side]])
            run(["ip", "link", "delete", ours])
            run(["ip", "link", "add", ours, "type", "veth", "peer", "name", "nic", "netns", names[side]])
            run(["ip", "address", "add", f"{address}/24", "dev", ours])
            run(["ip", "link", "set", ours, "up"])
            there = ["nsenter", f"--net=/run/netns/{names[side]}", "--", "ip"]
            run([*there, "address", "add", f"{theirs}/24", "dev", "nic"])
            run([*there, "link", "set", "nic", "up"])
            run([*there, "route", "add", "default", "via", address])
        nat.switch_on(paths, base, CIDR, isolated=False)
        assert reaches(base, names["guest"], "192.0.2.9")
        assert not reaches(base, names["neighbour"], "172.24.4.9")
        # The way is there, and it is the table that closes it.
        run([*nat.program(base, "nft"), "delete", "table", "ip", nat.table(paths)])
        assert reaches(base, names["neighbour"], "172.24.4.9")
    finally:
        for name in names.values():
            run(["ip", "netns", "delete", name], check=False)


def reaches(base: Path, netns: str, address: str) -> bool:
    ping = [*nat.program(base, "nft")[:-1], f"{base}/usr/bin/ping"]
    argv = ["nsenter", f"--net=/run/netns/{netns}", "--", *ping, "-c", "2", "-W", "1", "-i", "0.2", address]
    return " 0 received" not in run(argv, check=False)
