"""Examines what this machine supports, what `up` would choose because of that, and how to improve the machine.
Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, Protocol

from onestack.core.errors import OneStackError
from onestack.core.paths import Paths
from onestack.host import egress, preflight, reach
from onestack.host import facts as machine
from onestack.host.facts import SUPPORTED_WORDS, Facts
from onestack.spec import Diagnostic, Spec, default

State = Literal["good", "fair", "bad", "unknown"]
"""`fair`: it works, and could be better. `bad`: it does not work."""


class Probe(Protocol):
    """The result of booting a guest with KVM: see `onestack.host.hypervisor`."""

    @property
    def usable(self) -> bool: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class Item:
    """One line of a report. `advice`: how to improve it, if possible."""

    name: str
    value: str
    state: State = "good"
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        return {key: value for key, value in vars(self).items() if value}


@dataclass(frozen=True)
class Report:
    """`machine`: its hardware and software. `choices`: what `up` would choose. `cloud`: what runs or is stored here.

    `findings`: errors that keep `up` from working, and warnings.
    """

    machine: tuple[Item, ...]
    choices: tuple[Item, ...]
    cloud: tuple[Item, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def ready(self) -> bool:
        """Whether `up` can be run."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def exit_status(self) -> int:
        """The command's exit status: 0 if `up` can be run."""
        return 0 if self.ready else 1

    @property
    def advice(self) -> tuple[str, ...]:
        """How to improve this machine, without repetitions."""
        items = (*self.machine, *self.choices, *self.cloud)
        return tuple(dict.fromkeys(item.advice for item in items if item.advice))

    def as_dict(self) -> dict[str, Any]:
        """The report as data."""
        return {
            "ready": self.ready,
            "machine": [item.as_dict() for item in self.machine],
            "choices": [item.as_dict() for item in self.choices],
            "cloud": [item.as_dict() for item in self.cloud],
            "findings": [finding.as_dict() for finding in self.findings],
            "advice": list(self.advice),
        }


def examine(
    paths: Paths,
    spec: Spec | None = None,
    *,
    base: Path | None = None,
    environment: Path | None = None,
    probe: Callable[[Path], Probe] | None = None,
    facts: Facts | None = None,
    own: preflight.Own | None = None,
    unreachable: Callable[[], list[Diagnostic]] = reach.check,
    closed_by: Callable[[Path], Sequence[str]] = egress.closed_by,
    obstacles: Callable[[], Sequence[str]] | None = None,
    host: str | None = None,
) -> Report:
    """Examine this machine for a cloud under `paths`. `host`: its name in the spec, if there are several hosts.

    `base`, `environment`: the release's folders; None if they are not in the cache yet. `probe` boots a guest with
    KVM in a base. `obstacles` lists why guests of the running cloud do not reach outside networks; None if no cloud
    runs. The other arguments are read from the machine unless given.
    """
    wanted = spec or default()
    facts = facts or machine.gather(preflight.disks(paths))
    mine = own or preflight.own(paths)
    missing = base is None or environment is None
    findings = preflight.check(
        wanted, facts, paths, needs_packages=missing, own=mine, unreachable=unreachable, host=host
    )
    return Report(
        tuple(_machine(facts)),
        (
            *_choices(wanted, facts, paths, base, environment, probe),
            *_guests_network(wanted, facts, paths, base, closed_by),
        ),
        (*_cloud(paths, mine), *_outbound_access_now(obstacles)),
        tuple(findings),
    )


def examine_other(paths: Paths, spec: Spec, facts: Facts, host: str, *, own: preflight.Own) -> Report:
    """Examine another host of a spec by its facts. Checks that need a process on that host are left to `up`."""
    findings = preflight.check(spec, facts, paths, needs_packages=False, own=own, unreachable=list, host=host)
    return Report(
        tuple(_machine(facts)), tuple(_choices(spec, facts, paths, None, None, None)), (), tuple(findings)
    )


def _machine(facts: Facts) -> Iterator[Item]:
    supported = facts.system.supported
    yield Item(
        "system",
        f"{facts.system.name}, {facts.system.machine}",
        "good" if supported else "bad",
        "" if supported else f"supported: {SUPPORTED_WORDS}",
    )
    yield Item("kernel", facts.kernel)
    yield Item(
        "root", "yes" if facts.uid == 0 else f"no (user {facts.uid})", "good" if facts.uid == 0 else "bad"
    )
    yield Item("processors", str(facts.cpus), "good" if facts.cpus > 1 else "fair")
    enough = facts.memory >= preflight.MIB_MEMORY
    yield Item(
        "memory",
        f"{facts.memory / 1024:.1f} GiB, {facts.memory_available / 1024:.1f} GiB of it free",
        "good" if enough else "bad",
        "" if enough else "at least 2 GiB are required; guests need more",
    )
    for path, disk in facts.disks.items():
        yield Item(f"disk at {path}", f"{disk.free / 1024:.1f} GiB free")
    yield Item(
        "init", "systemd" if facts.systemd else "not systemd: `up` brings the cloud back after a reboot"
    )
    yield _mmdebstrap(facts)
    yield _kvm_device(facts)
    yield _feature(
        facts,
        "openvswitch",
        "openvswitch in the kernel",
        "networks run on OVS' userspace datapath, which is slower",
    )
    yield _feature(facts, "dm_mod", "device-mapper", "volumes are files, not logical volumes")
    yield _feature(facts, "vhost_net", "vhost-net", "guests' packets pass through QEMU, which is slower")
    yield Item("/dev/net/tun", "usable" if facts.tun.openable else facts.tun.why, _ok(facts.tun.openable))
    addresses = [str(address) for address in facts.addresses if not address.is_link_local]
    yield Item("addresses", ", ".join(addresses) or "none")
    ports = [f"{one.address}:{one.port} ({one.program or '?'})" for one in facts.listeners]
    yield Item("ports in use", ", ".join(ports) or "none")


def _ok(condition: bool) -> State:
    return "good" if condition else "bad"


def _mmdebstrap(facts: Facts) -> Item:
    if "mmdebstrap" in facts.programs:
        return Item("mmdebstrap", "installed")
    if "apt-get" in facts.programs:
        return Item("mmdebstrap", "not installed; `up` installs it", "fair")
    return Item("mmdebstrap", "not installed", "bad", "install mmdebstrap and debian-archive-keyring")


def _kvm_device(facts: Facts) -> Item:
    if facts.kvm.openable:
        return Item("/dev/kvm", "present (whether a guest boots with it: see hypervisor)")
    if facts.kvm.present:
        return Item("/dev/kvm", f"present, but: {facts.kvm.why}", "fair", "give root access to /dev/kvm")
    advice = (
        "load the module kvm_intel or kvm_amd"
        if facts.virtualization
        else "switch virtualization on in the firmware, or nested virtualization in the hypervisor above"
    )
    return Item("/dev/kvm", "missing", "fair", advice)


def _feature(facts: Facts, name: str, title: str, without: str) -> Item:
    state = facts.features[name]
    if state == "loaded":
        return Item(title, "available")
    if state == "loadable":
        return Item(title, "available, not loaded yet")
    value = "missing" if state == "absent" else "not known"
    advice = f"a kernel with the module {name}" if name != "dm_mod" else ""
    return Item(title, f"{value}: {without}", "fair", advice)


def _choices(
    spec: Spec,
    facts: Facts,
    paths: Paths,
    base: Path | None,
    environment: Path | None,
    probe: Callable[[Path], Probe] | None,
) -> Iterator[Item]:
    platform = spec.platform
    yield Item("release", platform.release)
    yield Item("services", ", ".join(platform.services))
    yield Item("base", str(base) if base else "not in the cache yet; `up` builds it")
    yield Item("environment", str(environment) if environment else "not in the cache yet; `up` installs it")
    if "compute" in platform.services:
        yield _hypervisor(spec, facts, base, probe)
    if "network" in platform.services:
        yield _datapath(spec, facts)
    isolated = preflight.is_isolated(spec, paths)
    yield Item("network", "a network namespace of the cloud's own" if isolated else "this machine's own")
    yield Item("address", spec.listen.url)


def _hypervisor(spec: Spec, facts: Facts, base: Path | None, probe: Callable[[Path], Probe] | None) -> Item:
    compute = spec.platform.compute
    if compute.driver == "fake":
        return Item("hypervisor", f"Nova's fake driver ({compute.fake_hosts} hosts): the spec selects it")
    if compute.virt == "qemu":
        return Item("hypervisor", "qemu (emulation): the spec selects it")
    state: State = "fair" if compute.virt == "auto" else "bad"
    if not facts.kvm.openable:
        return Item("hypervisor", f"qemu (emulation): /dev/kvm: {facts.kvm.why}", state)
    if base is None or probe is None:
        return Item("hypervisor", "not tested yet: the base is not installed; `up` tests it", "unknown")
    try:
        outcome = probe(base)
    except OneStackError as error:
        return Item("hypervisor", f"not tested: {error.summary}", "unknown")
    if outcome.usable:
        return Item("hypervisor", f"kvm: {outcome.reason}")
    advice = (
        "KVM answers but runs no guest; on a virtual machine, enable nested virtualization in its hypervisor"
    )
    return Item("hypervisor", f"qemu (emulation): {outcome.reason}", state, advice)


def _datapath(spec: Spec, facts: Facts) -> Item:
    requested = spec.platform.network.datapath
    if requested == "userspace":
        return Item("datapath", "userspace: the spec selects it")
    if facts.openvswitch:
        return Item("datapath", "kernel: openvswitch is available")
    state: State = "bad" if requested == "kernel" else "fair"
    return Item("datapath", "userspace: the kernel has no openvswitch", state)


def _guests_network(
    spec: Spec, facts: Facts, paths: Paths, base: Path | None, closed_by: Callable[[Path], Sequence[str]]
) -> Iterator[Item]:
    """How guests will reach outside networks, and which DNS servers they will use."""
    net = spec.platform.network
    if "network" not in spec.platform.services:
        return
    outer = net.external
    if outer.routed_outside:
        yield Item("guests' outbound access", f"by the external network's own router, {outer.gateway}")
        yield _way_to_floating_ips(outer.cidr, facts)
    elif not outer.translated:
        value = (
            f"routed through the network of {outer.interface}"
            if outer.interface
            else "none: platform.network.external.nat is off"
        )
        yield Item("guests' outbound access", value)
    elif preflight.is_isolated(spec, paths):
        yield Item(
            "guests' outbound access",
            "NAT in the cloud's own network namespace, which has no connection to the outside by itself",
        )
    elif not facts.uplinks:
        yield Item("guests' outbound access", "NAT; but this machine has no default route", "fair")
    else:
        value = f"NAT through {', '.join(facts.uplinks)}"
        closed = closed_by(base) if base else ()
        if closed:
            value += f"; but {' and '.join(closed)} drops forwarded packets"
        yield Item("guests' outbound access", value, "fair" if closed else "good", egress.advice(closed))
    servers = facts.resolvers if net.dns is None else tuple(map(str, net.dns))
    if servers or net.dns is not None:
        yield Item("guests' DNS servers", ", ".join(servers) or "none: the spec says so")
    else:
        advice = "name DNS servers that guests reach in platform.network.dns"
        yield Item("guests' DNS servers", "none: this machine's are all loopback addresses", "fair", advice)


def _way_to_floating_ips(cidr: IPv4Network, facts: Facts) -> Item:
    """How this machine itself reaches floating IPs, whose router is outside."""
    routes = [each.interface for each in facts.routes if _holds(each.network, cidr)]
    if by := [*routes, *facts.uplinks]:
        return Item("floating IPs from here", f"by the route through {by[0]}")
    advice = f"give this machine a route to {cidr}: `verify` and `demo` ask guests at their floating IPs"
    return Item("floating IPs from here", f"no route leads to {cidr}", "fair", advice)


def _holds(network: IPv4Network | IPv6Network, cidr: IPv4Network) -> bool:
    return isinstance(network, IPv4Network) and cidr.subnet_of(network)


def _outbound_access_now(obstacles: Callable[[], Sequence[str]] | None) -> Iterator[Item]:
    if obstacles is None:
        return
    try:
        outcome = obstacles()
    except OneStackError as error:
        yield Item("guests' outbound access now", f"not known: {error.summary}", "unknown")
        return
    yield Item("guests' outbound access now", "; ".join(outcome) or "open", "fair" if outcome else "good")


def _cloud(paths: Paths, mine: preflight.Own) -> Iterator[Item]:
    if not mine.folders and not mine.exists:
        yield Item("cloud", f"none under {paths.root}")
        return
    if mine.pids:
        yield Item("cloud", f"runs under {paths.root}, {len(mine.pids)} processes")
    else:
        yield Item("cloud", f"stopped, under {paths.root}", advice="`onestack up` brings it back")
    yield Item("folders", ", ".join(str(path) for path in mine.folders) or "none")
