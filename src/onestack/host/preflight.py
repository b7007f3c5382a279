"""Finds what would prevent a cloud from running on this machine, before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path, PurePosixPath

from onestack.core import contract
from onestack.core.paths import Paths
from onestack.host import disks as disks_of_host
from onestack.host import namespace, network, processes, reach
from onestack.host.facts import SUPPORTED_WORDS, Facts, Listener
from onestack.spec import BadSpec, Diagnostic, Spec
from onestack.spec.monitoring import PORTS as MONITORING_PORTS

METADATA_PORT = 8775
"""The API gateway's port for guests' metadata, on loopback (a test compares it with the gateway's)."""
MIB_CACHE = 3072
"""Space for the base, the environment and the guest image, and for temporary files while they are built."""
MIB_CLOUD = 2048
"""Space for a first start: databases, logs, the first guests."""
MIB_MEMORY = 1800
"""The total memory that a machine with 2 GiB reports after its firmware and kernel took their share."""
MIB_AVAILABLE = 1400
"""The memory that an idle cloud takes."""


@dataclass(frozen=True)
class Own:
    """What the cloud under the same root already has on this machine, and so does not conflict with it."""

    exists: bool = False
    pids: frozenset[int] = frozenset()
    interfaces: frozenset[str] = frozenset()
    folders: tuple[Path, ...] = ()


INTERFACES = (network.HERE, network.PLUGGED)
"""What a cloud at the default root calls its interfaces on a host."""


def own(paths: Paths) -> Own:
    """Find out what the cloud of `paths` has."""
    # Data without a namespace: the cloud is stopped or half removed, and its bridges may still exist.
    exists = namespace.exists(paths) or paths.lib.exists()
    pids = frozenset(process.pid for process in processes.of_cloud(paths.run))
    # Interfaces with the default names belong to the default root, whatever else is left of that cloud.
    named = paths.is_default or (exists and network.shared_with_machine(paths))
    folders = tuple(path for path in (paths.etc, paths.lib, paths.log) if path.exists())
    return Own(exists, pids, frozenset(INTERFACES if named else ()), folders)


def disks(paths: Paths) -> list[Path]:
    """The paths whose free space `check` needs."""
    return [paths.cache, paths.lib]


def is_isolated(spec: Spec, paths: Paths) -> bool:
    """Whether the cloud gets a network namespace of its own."""
    isolated = spec.platform.network.isolated
    return isolated if isolated is not None else not paths.is_default


def check(
    spec: Spec,
    facts: Facts,
    paths: Paths,
    *,
    needs_packages: bool,
    own: Own | None = None,
    unreachable: Callable[[], list[Diagnostic]] = reach.check,
    is_file: Callable[[Path], bool] = Path.is_file,
    host: str | None = None,
) -> list[Diagnostic]:
    """All findings against `up`, the most important first; empty if there are none.

    `host`: which of the spec's hosts this machine is; without it, its only one.
    `needs_packages`: base or environment are not in the cache, so the network is needed.
    `own`: what the cloud under these paths has already (nothing, unless given).
    """
    mine = own or Own()
    found = [*_system(facts), *_room(facts, paths, needs_packages, mine), *_hardware(spec, facts)]
    found += [*_volume_groups(spec, facts), *_addresses(spec, facts, host), *_disks(spec, paths, host)]
    control = not host or any(each.name == host for each in spec.control_hosts)
    leads = not host or host == spec.control_hosts[0].name
    if is_isolated(spec, paths):
        found += _isolated(spec)
    else:
        ports = _gateway(spec, facts, mine) if control else _exporter_port(spec, facts, mine, host)
        found += [*ports, *_shared_network(spec, facts, mine)]
    for keys, file, what in _named_files(spec) if leads else ():
        if not is_file(Path(file)):
            place = spec.place_of("platform", *keys)
            found.append(Diagnostic("error", f"there is no file {file}", what, place))
    if needs_packages:
        found += unreachable()
    return found


def _named_files(spec: Spec) -> Iterator[tuple[tuple[str | int, ...], PurePosixPath, str]]:
    """The places in the spec that name a file for `up` to read, the file, and what it must be."""
    listen = spec.listen
    for key, file in (("certificate", listen.certificate), ("key", listen.key)):
        if file:
            yield ("listen", key), file, "a readable PEM file"
    if "block-storage" not in spec.platform.services:
        return
    for index, backend in enumerate(spec.platform.backends):
        if pool := backend.ceph:
            place = ("volumes", "backends", index)
            yield (*place, "conf"), pool.conf, "Ceph's configuration"
            yield (*place, "keyring"), pool.keyring, f"a keyring with the key of client.{pool.user}"


def raise_errors(found: Sequence[Diagnostic], *, force: bool = False) -> list[Diagnostic]:
    """Raise BadSpec if there are errors (with `force`: only those that cannot be forced); return the rest."""
    errors = [one for one in found if one.severity == "error" and not (force and one.forcible)]
    if errors:
        forcible = all(one.forcible for one in errors)
        count = "one thing stands" if len(errors) == 1 else f"{len(errors)} things stand"
        hint = (
            "--force continues nevertheless"
            if forcible
            else "nothing was changed; fix this and run the command again"
        )
        raise BadSpec(f"{count} in the way on this machine", errors, hint=hint)
    return [one for one in found if one not in errors]


def _system(facts: Facts) -> Iterator[Diagnostic]:
    if facts.uid != 0:
        yield Diagnostic("error", "this needs root", f"you are user {facts.uid}", hint="run it with sudo")
    if facts.system.machine != "x86_64":
        yield Diagnostic("error", f"{facts.system.machine} is not supported", SUPPORTED_WORDS)
    elif not facts.system.supported:
        yield Diagnostic("error", f"{facts.system.name} is not supported", SUPPORTED_WORDS, forcible=True)


def _room(facts: Facts, paths: Paths, needs_packages: bool, mine: Own) -> Iterator[Diagnostic]:
    needs = {
        paths.lib: MIB_CLOUD // 4 if mine.exists else MIB_CLOUD,
        paths.cache: MIB_CACHE if needs_packages else 0,
    }
    by_device: dict[int, list[Path]] = {}
    for path in needs:
        if needs[path] and path in facts.disks:
            by_device.setdefault(facts.disks[path].device, []).append(path)
    for on_it in by_device.values():
        free, needed = facts.disks[on_it[0]].free, sum(needs[path] for path in on_it)
        if free < needed:
            yield Diagnostic(
                "error",
                f"not enough disk space: {_gib(free)} free, {_gib(needed)} needed",
                f"for {' and '.join(str(path) for path in on_it)}",
                hint="free some, or name other places: --root DIR, ONESTACK_CACHE",
                forcible=True,
            )
    if facts.memory < MIB_MEMORY:
        summary = f"not enough memory: {_gib(facts.memory)}, 2 GiB needed"
        yield Diagnostic("error", summary, "without guests", forcible=True)
    elif facts.memory_available < MIB_AVAILABLE and not mine.pids:
        summary = f"little memory is free: {_gib(facts.memory_available)}, {_gib(MIB_AVAILABLE)} wanted"
        yield Diagnostic("warning", summary, "without guests")


def _hardware(spec: Spec, facts: Facts) -> Iterator[Diagnostic]:
    platform = spec.platform
    if "network" in platform.services:
        if not facts.tun.openable:
            hint = "load the module tun; in a container, let it have the device"
            yield Diagnostic("error", "/dev/net/tun cannot be used", facts.tun.why, hint=hint)
        if facts.features["veth"] == "absent":
            yield Diagnostic("error", "this kernel has no veth", "veth pairs are needed for networks")
        if platform.network.datapath == "kernel" and not facts.openvswitch:
            yield Diagnostic(
                "error",
                "this kernel has no openvswitch",
                "allowed: auto, userspace",
                spec.place_of("platform", "network", "datapath"),
                "install the kernel's module, or set 'datapath: auto'",
            )
    if "compute" in platform.services and platform.compute.virt == "kvm" and not facts.kvm.openable:
        yield Diagnostic(
            "error",
            f"/dev/kvm cannot be used: {facts.kvm.why}",
            "allowed: auto, qemu",
            spec.place_of("platform", "compute", "virt"),
            "switch virtualization on in the firmware or the hypervisor above, or set 'virt: auto'",
        )


def _volume_groups(spec: Spec, facts: Facts) -> Iterator[Diagnostic]:
    if "block-storage" not in spec.platform.services or facts.features["dm_mod"] != "absent":
        return
    for index, backend in enumerate(spec.platform.backends):
        if backend.driver == "lvm":
            yield Diagnostic(
                "error",
                "this kernel has no device-mapper, without which there are no logical volumes",
                "allowed: file, rbd",
                spec.place_of("platform", "volumes", "backends", index, "driver"),
            )


def _disks(spec: Spec, paths: Paths, name: str | None) -> Iterator[Diagnostic]:
    """What keeps this host's disks from the managed Ceph."""
    for index, host in enumerate(spec.hosts):
        for number, disk in enumerate(host.disks if name in (None, host.name) else ()):
            if why := disks_of_host.obstacle(paths, disk.name, str(disk.path), disk.size):
                place = spec.place_of("hosts", index, "disks", number)
                yield Diagnostic("error", f"the disk {disk.path} cannot be used", why, place)


def _addresses(spec: Spec, facts: Facts, name: str | None) -> Iterator[Diagnostic]:
    ours = ", ".join(str(address) for address in facts.addresses if _is_not_link_local(address))
    for index, host in enumerate(spec.hosts):
        if name in (None, host.name) and host.address not in facts.addresses:
            yield Diagnostic(
                "error",
                f"{host.address} is not an address of this machine",
                f"allowed: {ours}",
                spec.place_of("hosts", index, "address"),
            )
    interface = spec.platform.network.external.interface
    if interface:
        place = spec.place_of("platform", "network", "external", "interface")
        free = [name for name in facts.interfaces if name not in (*facts.uplinks, "lo")]
        allowed = f"allowed: {', '.join(free)}" if free else "this machine has none to spare"
        if interface not in facts.interfaces:
            yield Diagnostic("error", f"there is no interface '{interface}' here", allowed, place)
        elif interface not in free:
            summary = f"'{interface}' carries this machine's own traffic"
            yield Diagnostic("error", summary, allowed, place, "plugging it in would cut the machine off")


def _isolated(spec: Spec) -> Iterator[Diagnostic]:
    if len(spec.hosts) > 1:
        yield Diagnostic(
            "error",
            "a cloud in a network namespace of its own has one host",
            "several hosts reach each other by their own addresses",
            spec.place_of("hosts", 1),
            "platform.network.isolated: false puts it into the machine's network",
        )
        return
    address = spec.listen.address
    if not address.is_loopback and address != spec.platform.network.external.gateway:
        yield Diagnostic(
            "error",
            f"{address} is out of reach for a cloud in a network namespace of its own",
            f"allowed: a loopback address, or the external gateway {spec.platform.network.external.gateway}",
            spec.place_of("platform", "listen", "address"),
            "platform.network.isolated: false puts it into the machine's network",
        )


def _gateway(spec: Spec, facts: Facts, mine: Own) -> Iterator[Diagnostic]:
    listen, external = spec.listen, spec.platform.network.external
    bindable = isinstance(listen.address, IPv4Address) and listen.address.is_loopback
    if (
        spec.platform.address is None
        and not bindable
        and listen.address not in (*facts.addresses, external.gateway)
    ):
        yield Diagnostic(
            "error",
            f"{listen.address} is not an address of this machine",
            f"allowed: {', '.join(str(address) for address in facts.addresses if _is_not_link_local(address))}",
            spec.place_of("platform", "listen", "address"),
        )
    for listener in _taken(facts, mine, listen.port, listen.address):
        yield Diagnostic(
            "error",
            f"port {listen.port} is in use on {listener.address}",
            f"by {listener.who}",
            spec.place_of("platform", "listen", "port"),
            "choose another platform.listen.port, or end that program",
        )
    if "compute" in spec.platform.services:
        for listener in _taken(facts, mine, METADATA_PORT, IPv4Address("127.0.0.1")):
            yield Diagnostic(
                "error",
                f"port {METADATA_PORT} is in use on {listener.address}",
                f"by {listener.who}",
                hint="guests' metadata is served there; end that program",
            )
    yield from _monitoring_ports(spec, facts, mine)


def _shared_network(spec: Spec, facts: Facts, mine: Own) -> Iterator[Diagnostic]:
    if "network" not in spec.platform.services:
        return
    external = spec.platform.network.external
    for route in facts.overlapping(external.cidr, mine.interfaces):
        yield Diagnostic(
            "error",
            f"the external network {external.cidr} overlaps {route.network} on {route.interface}",
            "no other route of this machine may lead there",
            spec.place_of("platform", "network", "external", "cidr"),
            "choose another platform.network.external.cidr",
        )
    switches = [
        name for name in facts.interfaces if name in ("ovs-system", "ovs-netdev", contract.INTEGRATION_BRIDGE)
    ]
    if switches and not mine.exists:
        yield Diagnostic(
            "error",
            "this machine runs an Open vSwitch already",
            f"interfaces {', '.join(switches)}",
            hint="end it, or set 'platform: {network: {isolated: true}}'",
            forcible=True,
        )


def _monitoring_ports(spec: Spec, facts: Facts, mine: Own) -> Iterator[Diagnostic]:
    for key in MONITORING_PORTS if spec.monitored else ():
        if key == "alerts_port" and not spec.platform.monitoring.receivers:
            continue
        yield from _monitoring_port(spec, facts, mine, key, IPv4Address("127.0.0.1"))


def _exporter_port(spec: Spec, facts: Facts, mine: Own, name: str | None) -> Iterator[Diagnostic]:
    """A host without the control role has an exporter on its own address."""
    for host in spec.hosts if spec.monitored else ():
        if host.name == name:
            yield from _monitoring_port(spec, facts, mine, "exporter_port", host.address)


def _monitoring_port(
    spec: Spec, facts: Facts, mine: Own, key: str, address: IPv4Address | IPv6Address
) -> Iterator[Diagnostic]:
    port = getattr(spec.platform.monitoring, key)
    for listener in _taken(facts, mine, port, address):
        yield Diagnostic(
            "error",
            f"port {port} is in use on {listener.address}",
            f"by {listener.who}",
            spec.place_of("platform", "monitoring", key),
            f"choose another platform.monitoring.{key}, or end that program",
        )


def _taken(facts: Facts, mine: Own, port: int, address: IPv4Address | IPv6Address) -> Iterator[Listener]:
    """Other programs' sockets that prevent us from listening there."""
    for listener in facts.listeners:
        if listener.port == port and listener.pid not in mine.pids and _conflicts(listener, address):
            yield listener


def _conflicts(listener: Listener, address: IPv4Address | IPv6Address) -> bool:
    """Whether a listener conflicts with an address. One on [::] also has IPv4."""
    if listener.address == address:
        return True
    return listener.address.is_unspecified and (listener.address.version == 6 or address.version == 4)


def _is_not_link_local(address: IPv4Address | IPv6Address) -> bool:
    return not address.is_link_local


def _gib(mib: int) -> str:
    return f"{mib / 1024:.1f} GiB"
