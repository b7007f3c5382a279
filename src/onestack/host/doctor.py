"""What this machine has and lacks, what would be chosen because of it, how to get better. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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
    """What a trial of KVM found: see `onestack.host.hypervisor`."""

    @property
    def usable(self) -> bool: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class Item:
    """One line of a report. `advice`: how to get better, where one can."""

    name: str
    value: str
    state: State = "good"
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        return {key: value for key, value in vars(self).items() if value}


@dataclass(frozen=True)
class Report:
    """`machine`: what is there. `choices`: what follows from it. `cloud`: what stands here already.

    `findings`: what would keep `up` from working, and warnings.
    """

    machine: tuple[Item, ...]
    choices: tuple[Item, ...]
    cloud: tuple[Item, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def ready(self) -> bool:
        """Whether `up` can be tried."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def exit_status(self) -> int:
        """What the command ends with: 0 if `up` can be tried."""
        return 0 if self.ready else 1

    @property
    def advice(self) -> tuple[str, ...]:
        """How to get better, each once."""
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
) -> Report:
    """Look at this machine for a cloud under `paths`.

    `base`, `environment`: where the release's are, None when they are not in the cache yet. `probe` boots a
    guest with KVM in a base. `obstacles` says why guests of the cloud that runs here do not get out; None without
    one. The rest is looked up unless given.
    """
    wanted = spec or default()
    seen = facts or machine.gather(preflight.disks(paths))
    mine = own or preflight.own(paths)
    missing = base is None or environment is None
    findings = preflight.check(wanted, seen, paths, needs_packages=missing, own=mine, unreachable=unreachable)
    return Report(
        tuple(_machine(seen)),
        (
            *_choices(wanted, seen, paths, base, environment, probe),
            *_guests_network(wanted, seen, paths, base, closed_by),
        ),
        (*_cloud(paths, mine), *_way_out_now(obstacles)),
        tuple(findings),
    )


def _machine(seen: Facts) -> Iterator[Item]:
    supported = seen.system.supported
    yield Item(
        "system",
        f"{seen.system.name}, {seen.system.machine}",
        "good" if supported else "bad",
        "" if supported else f"supported: {SUPPORTED_WORDS}",
    )
    yield Item("kernel", seen.kernel)
    yield Item(
        "root", "yes" if seen.uid == 0 else f"no (user {seen.uid})", "good" if seen.uid == 0 else "bad"
    )
    yield Item("processors", str(seen.cpus), "good" if seen.cpus > 1 else "fair")
    enough = seen.memory >= preflight.MIB_MEMORY
    yield Item(
        "memory",
        f"{seen.memory / 1024:.1f} GiB, {seen.memory_available / 1024:.1f} GiB of it free",
        "good" if enough else "bad",
        "" if enough else "2 GiB are the least; guests need more",
    )
    for path, disk in seen.disks.items():
        yield Item(f"disk at {path}", f"{disk.free / 1024:.1f} GiB free")
    yield Item(
        "init", "systemd" if seen.systemd else "not systemd: `up` brings the cloud back after a reboot"
    )
    yield _mmdebstrap(seen)
    yield _kvm_device(seen)
    yield _feature(
        seen,
        "openvswitch",
        "openvswitch in the kernel",
        "networks run on OVS' userspace datapath, which is slower",
    )
    yield _feature(seen, "dm_mod", "device-mapper", "volumes are files, not logical volumes")
    yield _feature(seen, "vhost_net", "vhost-net", "guests' packets pass through QEMU, which is slower")
    yield Item("/dev/net/tun", "usable" if seen.tun.openable else seen.tun.why, _good(seen.tun.openable))
    addresses = [str(address) for address in seen.addresses if not address.is_link_local]
    yield Item("addresses", ", ".join(addresses) or "none")
    ports = [f"{one.address}:{one.port} ({one.program or '?'})" for one in seen.listeners]
    yield Item("ports in use", ", ".join(ports) or "none")


def _good(condition: bool) -> State:
    return "good" if condition else "bad"


def _mmdebstrap(seen: Facts) -> Item:
    if "mmdebstrap" in seen.programs:
        return Item("mmdebstrap", "installed")
    if "apt-get" in seen.programs:
        return Item("mmdebstrap", "not installed; `up` installs it", "fair")
    return Item("mmdebstrap", "not installed", "bad", "install mmdebstrap and debian-archive-keyring")


def _kvm_device(seen: Facts) -> Item:
    if seen.kvm.openable:
        return Item("/dev/kvm", "there (which proves nothing: see hypervisor)")
    if seen.kvm.present:
        return Item("/dev/kvm", f"there, but: {seen.kvm.why}", "fair", "give root access to /dev/kvm")
    advice = (
        "load the module kvm_intel or kvm_amd"
        if seen.virtualization
        else "switch virtualization on in the firmware, or nested virtualization in the hypervisor above"
    )
    return Item("/dev/kvm", "not there", "fair", advice)


def _feature(seen: Facts, name: str, title: str, without: str) -> Item:
    state = seen.features[name]
    if state == "loaded":
        return Item(title, "there")
    if state == "loadable":
        return Item(title, "there, not loaded yet")
    value = "not there" if state == "absent" else "not known"
    advice = f"a kernel with the module {name}" if name != "dm_mod" else ""
    return Item(title, f"{value}: {without}", "fair", advice)


def _choices(
    spec: Spec,
    seen: Facts,
    paths: Paths,
    base: Path | None,
    environment: Path | None,
    probe: Callable[[Path], Probe] | None,
) -> Iterator[Item]:
    platform = spec.platform
    yield Item("release", platform.release)
    yield Item("services", ", ".join(platform.services))
    yield Item("base", str(base) if base else "not there yet; `up` builds it")
    yield Item("environment", str(environment) if environment else "not there yet; `up` installs it")
    if "compute" in platform.services:
        yield _hypervisor(spec, seen, base, probe)
    if "network" in platform.services:
        yield _datapath(spec, seen)
    isolated = preflight.is_isolated(spec, paths)
    yield Item("network", "a network namespace of the cloud's own" if isolated else "this machine's own")
    yield Item("address", platform.listen.url)


def _hypervisor(spec: Spec, seen: Facts, base: Path | None, probe: Callable[[Path], Probe] | None) -> Item:
    compute = spec.platform.compute
    if compute.driver == "fake":
        return Item("hypervisor", f"pretended ({compute.fake_hosts}): the spec asks for it")
    if compute.virt == "qemu":
        return Item("hypervisor", "qemu (emulation): the spec asks for it")
    slow: State = "fair" if compute.virt == "auto" else "bad"
    if not seen.kvm.openable:
        return Item("hypervisor", f"qemu (emulation): /dev/kvm {seen.kvm.why}", slow)
    if base is None or probe is None:
        return Item("hypervisor", "not proved yet: the base is not there; `up` will prove it", "unknown")
    try:
        found = probe(base)
    except OneStackError as error:
        return Item("hypervisor", f"not proved: {error.summary}", "unknown")
    if found.usable:
        return Item("hypervisor", f"kvm: {found.reason}")
    advice = "KVM answers but runs no guest; on a virtual machine, ask for nested virtualization"
    return Item("hypervisor", f"qemu (emulation): {found.reason}", slow, advice)


def _datapath(spec: Spec, seen: Facts) -> Item:
    asked = spec.platform.network.datapath
    if asked == "userspace":
        return Item("datapath", "userspace: the spec asks for it")
    if seen.openvswitch:
        return Item("datapath", "kernel: openvswitch is there")
    state: State = "bad" if asked == "kernel" else "fair"
    return Item("datapath", "userspace: the kernel has no openvswitch", state)


def _guests_network(
    spec: Spec, seen: Facts, paths: Paths, base: Path | None, closed_by: Callable[[Path], Sequence[str]]
) -> Iterator[Item]:
    """How guests will reach the outside, and whom they will ask for names."""
    net = spec.platform.network
    if "network" not in spec.platform.services:
        return
    outer = net.external
    if not outer.translated:
        value = (
            f"by the network of {outer.interface}"
            if outer.interface
            else "none: platform.network.external.nat is off"
        )
        yield Item("guests' way out", value)
    elif preflight.is_isolated(spec, paths):
        yield Item(
            "guests' way out", "NAT in the cloud's own network namespace; nothing leads out of that by itself"
        )
    elif not seen.uplinks:
        yield Item("guests' way out", "NAT; but this machine has no default route", "fair")
    else:
        value = f"NAT through {', '.join(seen.uplinks)}"
        closed = closed_by(base) if base else ()
        if closed:
            value += f"; but {' and '.join(closed)} drops what is forwarded"
        yield Item("guests' way out", value, "fair" if closed else "good", egress.advice(closed))
    servers = seen.resolvers if net.dns is None else tuple(map(str, net.dns))
    if servers or net.dns is not None:
        yield Item("guests' DNS servers", ", ".join(servers) or "none: the spec says so")
    else:
        advice = "name DNS servers that guests reach in platform.network.dns"
        yield Item("guests' DNS servers", "none: this machine has but loopback ones", "fair", advice)


def _way_out_now(obstacles: Callable[[], Sequence[str]] | None) -> Iterator[Item]:
    if obstacles is None:
        return
    try:
        found = obstacles()
    except OneStackError as error:
        yield Item("guests' way out now", f"not known: {error.summary}", "unknown")
        return
    yield Item("guests' way out now", "; ".join(found) or "open", "fair" if found else "good")


def _cloud(paths: Paths, mine: preflight.Own) -> Iterator[Item]:
    if not mine.folders and not mine.there:
        yield Item("cloud", f"none under {paths.root}")
        return
    if mine.pids:
        yield Item("cloud", f"runs under {paths.root}, {len(mine.pids)} processes")
    else:
        yield Item("cloud", f"lies under {paths.root}, stopped", advice="`onestack up` brings it back")
    yield Item("folders", ", ".join(str(path) for path in mine.folders) or "none")
