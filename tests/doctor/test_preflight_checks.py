"""What stands in the way is said before anything is changed, with the spec's line where there is one."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from machines import GOOD, PATHS, machine

from onestack import spec
from onestack.core.errors import Place
from onestack.core.paths import Paths
from onestack.host import network, preflight
from onestack.host.facts import Device, Disk, Facts, Listener, System
from onestack.host.preflight import Own
from onestack.host.proc import Route
from onestack.platform.infrastructure import gateway
from onestack.spec import Diagnostic, Spec

BESIDE = Paths(Path("/srv/second"), PATHS.cache)


def check(
    seen: Facts = GOOD, wanted: Spec | str = "{}", paths: Paths = PATHS, **more: Any
) -> list[Diagnostic]:
    read = spec.loads(wanted, "cloud.yaml") if isinstance(wanted, str) else wanted
    return preflight.check(read, seen, paths, **{"needs_packages": False, "unreachable": list, **more})


def only(found: list[Diagnostic]) -> Diagnostic:
    assert len(found) == 1, found
    return found[0]


def test_a_good_machine_has_nothing_in_the_way() -> None:
    assert check(needs_packages=True) == []


def test_not_root() -> None:
    found = only(check(machine(uid=1000)))
    assert (found.severity, found.summary, found.forcible) == ("error", "this needs root", False)


def test_an_unsupported_system_can_be_forced() -> None:
    found = only(check(machine(system=System("fedora", "43", "", "Fedora Linux 43", "x86_64"))))
    assert found.summary == "Fedora Linux 43 is not supported"
    assert "Debian 12" in found.detail
    assert found.forcible


def test_another_processor_cannot_be_forced() -> None:
    found = only(check(machine(system=System("debian", "12", "bookworm", "Debian", "aarch64"))))
    assert not found.forcible


@pytest.mark.parametrize(
    ("cache", "lib", "needs_packages", "own", "enough"),
    [
        (Disk(5200, 1), Disk(5200, 1), True, Own(), True),
        (Disk(5000, 1), Disk(5000, 1), True, Own(), False),
        (Disk(3100, 1), Disk(2100, 2), True, Own(), True),
        (Disk(3000, 1), Disk(2100, 2), True, Own(), False),
        (Disk(0, 1), Disk(2100, 2), False, Own(), True),
        (Disk(0, 1), Disk(600, 2), False, Own(), False),
        (Disk(0, 1), Disk(600, 2), False, Own(exists=True), True),
    ],
)
def test_disk_space(cache: Disk, lib: Disk, needs_packages: bool, own: Own, enough: bool) -> None:
    seen = machine(disks={PATHS.cache: cache, PATHS.lib: lib})
    found = check(seen, needs_packages=needs_packages, own=own)
    assert (found == []) is enough
    if not enough:
        assert "not enough disk space" in found[0].summary
        assert "ONESTACK_CACHE" in found[0].hint


def test_space_on_one_file_system_is_added_up() -> None:
    seen = machine(disks={PATHS.cache: Disk(4096, 1), PATHS.lib: Disk(4096, 1)})
    found = only(check(seen, needs_packages=True))
    assert found.summary == "not enough disk space: 4.0 GiB free, 5.0 GiB needed"
    assert str(PATHS.cache) in found.detail
    assert str(PATHS.lib) in found.detail


def test_memory() -> None:
    assert "1.5 GiB, 2 GiB needed" in only(check(machine(memory=1536, memory_available=1500))).summary
    low = only(check(machine(memory_available=800)))
    assert low.severity == "warning"
    assert check(machine(memory_available=800), own=Own(True, frozenset({5}))) == []


def test_no_tun() -> None:
    found = only(check(machine(tun=Device(False, False, "it does not exist"))))
    assert found.summary == "/dev/net/tun cannot be used"
    assert check(machine(tun=Device(False, False, "")), "platform: {services: [identity]}") == []


def test_a_datapath_that_is_not_there() -> None:
    seen = machine(features={**GOOD.features, "openvswitch": "absent"})
    assert check(seen) == []
    found = only(check(seen, "platform:\n  network:\n    datapath: kernel\n"))
    assert found.place == Place("cloud.yaml", 3, 15)


def test_kvm_that_is_not_there() -> None:
    seen = machine(kvm=Device(True, False, "Permission denied"))
    assert check(seen) == []
    found = only(check(seen, "platform: {compute: {virt: kvm}}"))
    assert found.summary == "/dev/kvm cannot be used: Permission denied"
    assert found.place == Place("cloud.yaml", 1, 28)


def test_a_host_address_that_is_not_ours() -> None:
    found = only(check(wanted="hosts:\n  - name: a\n    address: 198.51.100.7\n"))
    assert str(found) == (
        "cloud.yaml:3:14: 198.51.100.7 is not an address of this machine; allowed: 127.0.0.1, 192.0.2.2"
    )
    assert check(wanted="hosts: [{name: a, address: 192.0.2.2}]") == []


def test_a_listen_address_that_is_not_ours() -> None:
    found = only(check(wanted="platform:\n  listen:\n    address: 198.51.100.7\n"))
    assert found.place == Place("cloud.yaml", 3, 14)
    assert check(wanted="platform: {listen: {address: 192.0.2.2}}") == []
    assert check(wanted="platform: {listen: {address: 127.9.9.9}}") == []
    assert check(wanted="platform: {listen: {address: 172.24.4.1}}") == []


def listener(address: str, port: int = 8080, pid: int | None = 77) -> Listener:
    return Listener(ip_address(address), port, pid, "nginx")


@pytest.mark.parametrize(
    ("address", "port", "in_the_way"),
    [
        ("127.0.0.1", 8080, True),
        ("0.0.0.0", 8080, True),
        ("::", 8080, True),
        ("192.0.2.2", 8080, False),
        ("::1", 8080, False),
        ("127.0.0.1", 8081, False),
    ],
)
def test_a_port_in_use(address: str, port: int, in_the_way: bool) -> None:
    found = check(machine(listeners=(listener(address, port),)))
    assert bool(found) is in_the_way
    if found:
        assert found[0].summary == f"port 8080 is in use on {address}"
        assert found[0].detail == "by nginx (pid 77)"


def test_a_spec_that_nobody_wrote_has_no_lines_to_point_at() -> None:
    found = only(check(machine(listeners=(listener("127.0.0.1"),)), spec.default()))
    assert str(found).startswith("port 8080 is in use on 127.0.0.1; by nginx (pid 77)")
    assert "file" not in found.as_dict()


def test_the_port_names_its_line() -> None:
    found = only(check(machine(listeners=(listener("127.0.0.1", 80),)), "platform:\n  listen: {port: 80}\n"))
    assert found.place == Place("cloud.yaml", 2, 18)


def test_our_own_port_is_not_in_the_way() -> None:
    seen = machine(listeners=(listener("127.0.0.1", pid=5),))
    assert check(seen, own=Own(True, frozenset({5}))) == []
    assert check(seen, own=Own(True, frozenset({6}))) != []


def test_an_external_network_that_is_somewhere_else_already() -> None:
    lab = Route(ip_network("172.24.0.0/16"), "eth1")  # type: ignore[arg-type]
    found = only(
        check(machine(routes=(lab,)), "platform:\n  network:\n    external:\n      cidr: 172.24.4.0/24\n")
    )
    assert found.summary == "the external network 172.24.4.0/24 overlaps 172.24.0.0/16 on eth1"
    assert found.place == Place("cloud.yaml", 4, 13)


def test_our_own_route_is_not_in_the_way() -> None:
    ours = Route(ip_network("172.24.4.0/24"), network.HERE)  # type: ignore[arg-type]
    assert check(machine(routes=(ours,)), own=Own(True, frozenset(), frozenset({network.HERE}))) == []
    assert check(machine(routes=(ours,))) != []


def test_another_open_vswitch() -> None:
    seen = machine(interfaces=("eth0", "lo", "ovs-system"))
    assert only(check(seen)).forcible
    assert check(seen, own=Own(exists=True)) == []
    assert check(seen, paths=BESIDE) == []


def test_a_cloud_in_a_network_of_its_own_shares_no_ports_or_routes() -> None:
    lab = Route(ip_network("172.24.0.0/16"), "eth1")  # type: ignore[arg-type]
    seen = machine(routes=(lab,), listeners=(listener("127.0.0.1"),))
    assert check(seen, paths=BESIDE) == []
    assert check(seen, "platform: {network: {isolated: true}}") == []
    assert len(check(seen, "platform: {network: {isolated: false}}", paths=BESIDE)) == 2


def test_a_cloud_in_a_network_of_its_own_cannot_listen_outside() -> None:
    found = only(check(wanted="platform: {listen: {address: 192.0.2.2}}", paths=BESIDE))
    assert "out of reach" in found.summary
    assert "172.24.4.1" in found.detail
    assert "isolated: false" in found.hint


@pytest.mark.parametrize(
    ("name", "says"), [("eth9", "there is no interface"), ("eth0", "own traffic"), ("eth1", "")]
)
def test_an_interface_to_plug(name: str, says: str) -> None:
    found = check(wanted=f"platform: {{network: {{external: {{interface: {name}}}}}}}")
    assert [one.summary for one in found if says not in one.summary] == []
    assert bool(found) is bool(says)
    if found:
        assert found[0].detail == "allowed: eth1"


ROUTED = "platform: {network: {external: {cidr: 10.77.1.0/24, interface: eth1, router: outside}}}"


def test_a_route_to_a_network_with_a_router_of_its_own_is_in_order() -> None:
    seen = machine(routes=(Route(IPv4Network("10.77.1.0/24"), "eth0"),))
    assert check(seen, ROUTED) == []
    assert "overlaps" in only(check(seen, ROUTED.replace(", router: outside", ""))).summary


def test_the_address_of_a_router_outside_is_not_ours_to_listen_on() -> None:
    listening = ROUTED.replace("{network", "{listen: {address: 10.77.1.1}, network")
    assert "not an address of this machine" in only(check(wanted=listening)).summary
    assert check(wanted=listening.replace(", router: outside", "")) == []


def test_a_cloud_in_a_network_of_its_own_has_no_router_outside() -> None:
    found = only(check(wanted=ROUTED.replace("{network: {", "{network: {isolated: true, ")))
    assert "has no NIC in a network outside" in found.summary
    assert "isolated: false" in found.hint


def test_each_host_is_looked_at_for_its_own_nic() -> None:
    hosts = "hosts: [{name: a, address: 192.0.2.1, external: eth7}]"
    found = only(check(machine(addresses=(IPv4Address("192.0.2.1"),)), f"{ROUTED}\n{hosts}"))
    assert "there is no interface 'eth7'" in found.summary
    assert found.place == Place("cloud.yaml", 2, 49)


def test_files_of_ceph_that_are_not_there() -> None:
    text = "platform:\n  volumes:\n    backends:\n      - {name: pool, driver: rbd, user: me, conf: /c/ceph.conf}\n"
    conf, keyring = check(wanted=text, is_file=lambda path: False)
    assert (conf.summary, conf.place) == ("there is no file /c/ceph.conf", Place("cloud.yaml", 4, 51))
    assert keyring.summary == "there is no file /c/ceph.client.me.keyring"
    assert keyring.detail == "a keyring with the key of client.me"
    without = text + "  exclude: [block-storage]\n"
    assert check(wanted=without, is_file=lambda path: False) == []


@pytest.mark.parametrize(
    ("module", "says"), [("absent", "no device-mapper"), ("loadable", ""), ("loaded", "")]
)
def test_logical_volumes_need_device_mapper(module: str, says: str) -> None:
    text = "platform: {volumes: {backends: [{name: a, driver: lvm, volume_group: vg}]}}\n"
    seen = machine(features={**machine().features, "dm_mod": module})
    found = check(seen, text)
    assert bool(found) is bool(says)
    if found:
        assert says in only(found).summary
        assert only(found).place == Place("cloud.yaml", 1, 51)


def test_a_certificate_that_is_not_there() -> None:
    text = "platform:\n  listen: {certificate: /c.pem, key: /k.pem}\n"
    found = check(wanted=text, is_file=lambda path: path == Path("/k.pem"))
    assert only(found).summary == "there is no file /c.pem"
    assert only(found).place == Place("cloud.yaml", 2, 25)


def test_servers_are_tried_only_when_something_must_be_fetched() -> None:
    gone = Diagnostic("error", "the Debian archive cannot be reached")
    assert check(needs_packages=True, unreachable=lambda: [gone]) == [gone]
    assert check(needs_packages=False, unreachable=lambda: [gone]) == []


def test_everything_is_said_at_once() -> None:
    seen = machine(uid=1, memory=100, tun=Device(False, False, "x"), listeners=(listener("0.0.0.0"),))
    assert len(check(seen)) == 4


def test_raises_all_errors_with_status_2() -> None:
    found = check(machine(uid=1, memory=100))
    with pytest.raises(spec.BadSpec) as raised:
        preflight.raise_errors(found)
    assert raised.value.exit_status == 2
    assert len(raised.value.diagnostics) == 2
    assert "2 things stand in the way" in raised.value.summary


def test_raise_errors_with_force_lets_pass_what_can_be_forced() -> None:
    small = check(machine(memory=100))
    assert preflight.raise_errors(small, force=True) == small
    with pytest.raises(spec.BadSpec, match="one thing stands") as raised:
        preflight.raise_errors(small)
    assert "--force" in raised.value.hint
    with pytest.raises(spec.BadSpec):
        preflight.raise_errors(check(machine(uid=1)), force=True)


def test_raise_errors_returns_warnings() -> None:
    found = check(machine(memory_available=100))
    assert preflight.raise_errors(found) == found


def test_what_a_root_without_a_cloud_has(tmp_path: Path) -> None:
    assert preflight.own(Paths.at(tmp_path)) == Own()


def test_the_metadata_port_is_the_front_s() -> None:
    assert preflight.METADATA_PORT == gateway.METADATA_PORT


def test_a_metadata_port_in_use_is_named() -> None:
    taken = machine(listeners=(Listener(ip_address("127.0.0.1"), preflight.METADATA_PORT, 77, "other"),))
    found = only(check(taken))
    assert found.summary == "port 8775 is in use on 127.0.0.1"
    assert "other (pid 77)" in found.detail


def test_ports_of_monitoring_that_are_taken() -> None:
    taken = Listener(ip_address("0.0.0.0"), 9490, 4711, "prometheus")
    wanted = "platform:\n  monitoring:\n    enabled: true\n"
    assert check(machine(listeners=(taken,))) == []
    found = only(check(machine(listeners=(taken,)), wanted))
    assert found.summary == "port 9490 is in use on 0.0.0.0"
    assert "another platform.monitoring.port" in found.hint
    assert check(machine(listeners=(taken,)), wanted, own=Own(True, frozenset({4711}))) == []
    assert check(machine(listeners=(taken,)), wanted, BESIDE) == []
