"""The report says what is there, what follows from it, and how to get better."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Any

import pytest
from machines import GOOD, PATHS, machine

from onestack import spec
from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.host import doctor, preflight
from onestack.host.doctor import Item, Report
from onestack.host.facts import Device, Listener
from onestack.host.preflight import Own
from onestack.host.proc import Route
from onestack.spec import Diagnostic

BASE = Path("/cache/base")


@dataclass(frozen=True)
class Trial:
    usable: bool
    reason: str


def examine(text: str = "{}", **more: Any) -> Report:
    given: dict[str, Any] = {
        "paths": PATHS, "facts": GOOD, "own": Own(), "base": BASE, "environment": BASE,
        "probe": lambda base: Trial(True, "a guest booted in 1.2 s"), "unreachable": list,
        "closed_by": lambda base: (),
    }  # fmt: skip
    return doctor.examine(spec=spec.loads(text), **{**given, **more})


def item(report: Report, name: str) -> Item:
    return next(one for one in (*report.machine, *report.choices, *report.cloud) if one.name == name)


def test_a_good_machine() -> None:
    report = examine()
    assert report.ready
    assert report.exit_status == 0
    assert report.findings == ()
    assert report.advice == ()
    assert item(report, "hypervisor").value == "kvm: a guest booted in 1.2 s"
    assert item(report, "datapath").value == "kernel: openvswitch is available"
    assert item(report, "address").value == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("text", "changes", "value", "state"),
    [
        ("{}", {"probe": lambda base: Trial(False, "it hung")}, "qemu (emulation): it hung", "fair"),
        ("{}", {"base": None}, "not tested yet: the base is not installed; `up` tests it", "unknown"),
        ("{}", {"facts": machine(kvm=Device(False, False, "it does not exist"))}, "qemu (emulation)", "fair"),
        ("platform: {compute: {virt: qemu}}", {}, "qemu (emulation): the spec selects it", "good"),
        ("platform: {compute: {virt: kvm}}", {"probe": lambda base: Trial(False, "it hung")}, "qemu", "bad"),
        ("platform: {compute: {driver: fake, hosts: 9}}", {}, "Nova's fake driver (9 hosts)", "good"),
    ],
)
def test_hypervisor(text: str, changes: dict[str, Any], value: str, state: str) -> None:
    found = item(examine(text, **changes), "hypervisor")
    assert found.value.startswith(value)
    assert found.state == state


def test_kvm_is_not_tried_when_nobody_would_use_it() -> None:
    def never(base: Path) -> Trial:
        raise AssertionError("a guest was booted")

    examine("platform: {compute: {driver: fake}}", probe=never)
    examine("platform: {compute: {virt: qemu}}", probe=never)
    examine(facts=machine(kvm=Device(False, False, "it does not exist")), probe=never)


def test_a_trial_that_cannot_be_made_is_no_failure_of_the_report() -> None:
    def broken(base: Path) -> Trial:
        raise PermanentError("the base lacks a kernel")

    found = item(examine(probe=broken), "hypervisor")
    assert (found.value, found.state) == ("not tested: the base lacks a kernel", "unknown")


@pytest.mark.parametrize(
    ("state", "asked", "value", "how"),
    [
        ("loaded", "auto", "kernel", "good"),
        ("loadable", "auto", "kernel", "good"),
        ("absent", "auto", "userspace: the kernel has no openvswitch", "fair"),
        ("absent", "kernel", "userspace: the kernel has no openvswitch", "bad"),
        ("loaded", "userspace", "userspace: the spec selects it", "good"),
    ],
)
def test_datapath(state: str, asked: str, value: str, how: str) -> None:
    seen = machine(features={**GOOD.features, "openvswitch": state})
    found = item(examine(f"platform: {{network: {{datapath: {asked}}}}}", facts=seen), "datapath")
    assert found.value.startswith(value)
    assert found.state == how


CHAIN = "the firewall's table ip filter, chain FORWARD,"
INTERFACE = "{platform: {network: {external: {interface: eth1}}}}"


@pytest.mark.parametrize(
    ("text", "changes", "value", "state"),
    [
        ("{}", {}, "NAT through eth0", "good"),
        ("{}", {"facts": machine(uplinks=())}, "NAT; but this machine has no default route", "fair"),
        ("{}", {"closed_by": lambda base: (CHAIN,)}, f"NAT through eth0; but {CHAIN} drops", "fair"),
        ("{}", {"base": None, "closed_by": lambda base: 1 / 0}, "NAT through eth0", "good"),
        (
            "{platform: {network: {external: {nat: false}}}}",
            {},
            "none: platform.network.external.nat is",
            "good",
        ),
        (INTERFACE, {}, "routed through the network of eth1", "good"),
        (INTERFACE.replace("eth1", "eth1, nat: true"), {}, "NAT through eth0", "good"),
        ("{}", {"paths": Paths.at("/srv/second")}, "NAT in the cloud's own network namespace", "good"),
    ],
)
def test_guests_way_out(text: str, changes: dict[str, Any], value: str, state: str) -> None:
    found = item(examine(text, **changes), "guests' outbound access")
    assert found.value.startswith(value)
    assert (found.state, bool(found.advice)) == (state, CHAIN in found.value)


ROUTED = "{platform: {network: {external: {cidr: 10.77.1.0/24, interface: eth1, router: outside}}}}"


@pytest.mark.parametrize(
    ("changes", "value", "state"),
    [
        ({}, "by the route through eth0", "good"),
        (
            {"routes": (Route(IPv4Network("10.77.0.0/16"), "eth2"),), "uplinks": ()},
            "by the route through eth2",
            "good",
        ),
        ({"routes": (), "uplinks": ()}, "no route leads to 10.77.1.0/24", "fair"),
    ],
)
def test_the_way_to_floating_ips_whose_router_is_outside(
    changes: dict[str, Any], value: str, state: str
) -> None:
    report = examine(ROUTED, facts=machine(**changes))
    found = item(report, "floating IPs from here")
    assert (found.value, found.state) == (value, state)
    assert item(report, "guests' outbound access").value.endswith("own router, 10.77.1.1")


@pytest.mark.parametrize(
    ("text", "resolvers", "value", "state"),
    [
        ("{}", ("192.0.2.53", "192.0.2.54"), "192.0.2.53, 192.0.2.54", "good"),
        ("{}", (), "none: this machine's are all loopback addresses", "fair"),
        ("{platform: {network: {dns: [192.0.2.1, '2001:db8::1']}}}", (), "192.0.2.1, 2001:db8::1", "good"),
        ("{platform: {network: {dns: []}}}", ("192.0.2.53",), "none: the spec says so", "good"),
    ],
)
def test_guests_dns_servers(text: str, resolvers: tuple[str, ...], value: str, state: str) -> None:
    found = item(examine(text, facts=machine(resolvers=resolvers)), "guests' DNS servers")
    assert (found.value, found.state) == (value, state)


def test_what_closes_the_way_out_of_a_cloud_that_runs_is_said() -> None:
    closed = item(
        examine(obstacles=lambda: ["there is no default route", "x"]), "guests' outbound access now"
    )
    assert (closed.value, closed.state) == ("there is no default route; x", "fair")
    assert item(examine(obstacles=list), "guests' outbound access now").value == "open"

    def broken() -> list[str]:
        raise PermanentError("nft is not there")

    assert item(examine(obstacles=broken), "guests' outbound access now").state == "unknown"
    assert "guests' outbound access now" not in [one.name for one in examine().cloud]


def test_what_is_missing_comes_with_advice() -> None:
    absent = machine(
        features=dict.fromkeys(GOOD.features, "absent"),
        kvm=Device(False, False, "it does not exist"),
        programs=frozenset(),
        memory=1000,
    )
    report = examine(facts=absent)
    assert item(report, "openvswitch in the kernel").state == "fair"
    assert item(report, "device-mapper").value.startswith("missing: volumes are files")
    assert item(report, "mmdebstrap").state == "bad"
    assert item(report, "memory").state == "bad"
    assert "load the module kvm_intel or kvm_amd" in report.advice
    assert len(report.advice) == len(set(report.advice)) >= 4


def test_advice_for_a_virtual_machine_without_virtualization() -> None:
    seen = machine(kvm=Device(False, False, "it does not exist"), virtualization=False)
    assert "nested virtualization" in item(examine(facts=seen), "/dev/kvm").advice


def test_what_stands_in_the_way_is_found() -> None:
    report = examine(facts=machine(uid=1000))
    assert not report.ready
    assert report.exit_status == 1
    assert [one.summary for one in report.findings] == ["this needs root"]
    assert item(report, "root").state == "bad"


def test_servers_are_tried_when_the_base_or_the_environment_is_missing() -> None:
    gone = Diagnostic("error", "the Debian archive cannot be reached")
    assert examine(unreachable=lambda: [gone]).ready
    assert not examine(base=None, unreachable=lambda: [gone]).ready
    assert not examine(environment=None, unreachable=lambda: [gone]).ready


def test_ports_in_use_are_listed_with_their_programs() -> None:
    seen = machine(listeners=(Listener(ip_address("0.0.0.0"), 22, 7, "sshd"),))
    assert item(examine(facts=seen), "ports in use").value == "0.0.0.0:22 (sshd)"


def test_a_cloud_that_is_already_there(tmp_path: Path) -> None:
    paths = Paths(tmp_path, PATHS.cache)
    assert item(examine(paths=paths), "cloud").value == f"none under {tmp_path}"
    paths.lib.mkdir(parents=True)
    mine = preflight.own(paths)
    assert mine.exists
    stopped = item(examine(paths=paths, own=mine), "cloud")
    assert "stopped" in stopped.value
    assert "onestack up" in stopped.advice
    running = examine(paths=paths, own=dataclasses.replace(mine, pids=frozenset({1, 2, 3})))
    assert item(running, "cloud").value == f"runs under {tmp_path}, 3 processes"
    assert item(running, "folders").value == str(paths.lib)


def test_a_cloud_in_a_network_of_its_own(tmp_path: Path) -> None:
    report = examine(paths=Paths(tmp_path, PATHS.cache))
    assert "network namespace" in item(report, "network").value


def test_services_that_are_not_chosen_need_no_choice() -> None:
    report = examine("platform: {services: [identity]}")
    assert not [one for one in report.choices if one.name in ("hypervisor", "datapath")]


def test_the_report_is_data() -> None:
    data = examine(facts=machine(uid=1)).as_dict()
    assert json.loads(json.dumps(data)) == data
    assert set(data) == {"ready", "machine", "choices", "cloud", "findings", "advice"}
    assert data["findings"][0]["summary"] == "this needs root"
    assert {"name": "kernel", "value": "6.12", "state": "good"} in data["machine"]
