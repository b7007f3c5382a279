"""Facts about this machine: read once, without changing anything, as the data on which decisions are made.

Everything is read below `root`, which tests replace by a tree of their own.
"""

from __future__ import annotations

import gzip
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal

from onestack.host import proc, resolvers

# Module -> kernel option, for kernels that only publish their configuration.
FEATURES: Mapping[str, str] = {
    "openvswitch": "CONFIG_OPENVSWITCH",
    "dm_mod": "CONFIG_BLK_DEV_DM",
    "overlay": "CONFIG_OVERLAY_FS",
    "nf_tables": "CONFIG_NF_TABLES",
    "tun": "CONFIG_TUN",
    "veth": "CONFIG_VETH",
    "vxlan": "CONFIG_VXLAN",
    "geneve": "CONFIG_GENEVE",
    "vhost_net": "CONFIG_VHOST_NET",
}

Feature = Literal["loaded", "loadable", "absent", "unknown"]
"""`loaded`: usable now (also if built in). `loadable`: a module that is not loaded."""

PROGRAMS = ("mmdebstrap", "apt-get", "uv")
"""The host's programs that the tool may use."""
KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg"

SUPPORTED = {("debian", "12"), ("debian", "13"), ("ubuntu", "24.04")}
SUPPORTED_WORDS = "Debian 12 or 13, or Ubuntu 24.04, on amd64"


@dataclass(frozen=True)
class System:
    """The operating system. `version` and `codename` are empty where it has none (Debian sid)."""

    id: str
    version: str
    codename: str
    name: str
    machine: str

    @property
    def supported(self) -> bool:
        return (self.id, self.version) in SUPPORTED and self.machine == "x86_64"


@dataclass(frozen=True)
class Device:
    """A device node. `why`: why it cannot be opened."""

    present: bool
    openable: bool
    why: str = ""


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket, and the process that has it, if visible."""

    address: proc.Address
    port: int
    pid: int | None = None
    program: str = ""

    @property
    def who(self) -> str:
        return f"{self.program} (pid {self.pid})" if self.pid else "an unknown process"


@dataclass(frozen=True)
class Disk:
    """The file system of a path: its free space in MiB, its identity, and its size in MiB."""

    free: int
    device: int
    size: int = 0


@dataclass(frozen=True)
class Facts:
    """The machine's facts. Memory is in MiB; `disks`: the requested paths. `uplinks`: the interfaces of default
    routes. `resolvers`: the DNS servers that guests can use too."""

    system: System
    kernel: str
    cpus: int
    virtualization: bool
    memory: int
    memory_available: int
    disks: Mapping[Path, Disk]
    uid: int
    python: str
    systemd: bool
    programs: frozenset[str]
    keyring: bool
    kvm: Device
    tun: Device
    features: Mapping[str, Feature]
    addresses: tuple[proc.Address, ...]
    interfaces: tuple[str, ...]
    routes: tuple[proc.Route, ...]
    uplinks: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = field(default=())

    @property
    def openvswitch(self) -> bool:
        """Whether the kernel has Open vSwitch's datapath, loaded or loadable."""
        return self.features["openvswitch"] in ("loaded", "loadable")

    def overlapping(self, network: IPv4Network, ignore: Iterable[str] = ()) -> list[proc.Route]:
        """The routes that overlap with `network`, except those through the interfaces to ignore."""
        left_out = set(ignore)
        return [
            route
            for route in self.routes
            if route.interface not in left_out
            and isinstance(route.network, IPv4Network)
            and route.network.overlaps(network)
        ]


def gather(
    disks: Iterable[Path] = (), *, root: Path = Path("/"), disk: Callable[[Path], Disk] | None = None
) -> Facts:
    """Collect the facts. `disks`: the paths whose free space is needed; they need not exist yet.

    It never raises: what cannot be read counts as absent. `disk` replaces the function that reads a path's file
    system.
    """
    memory = proc.meminfo(_text(root / "proc/meminfo"))
    cpuinfo = _text(root / "proc/cpuinfo")
    kernel = _text(root / "proc/sys/kernel/osrelease").strip() or platform.release()
    return Facts(
        system=system(root),
        kernel=kernel,
        cpus=proc.cpus(cpuinfo),
        virtualization=proc.virtualization(cpuinfo),
        memory=memory.get("MemTotal", 0),
        memory_available=memory.get("MemAvailable", 0),
        disks={path: (disk or disk_at)(path) for path in disks},
        uid=os.geteuid(),
        python=".".join(str(part) for part in sys.version_info[:3]),
        systemd=_text(root / "proc/1/comm").strip() == "systemd" and (root / "run/systemd/system").is_dir(),
        programs=frozenset(name for name in PROGRAMS if has_program(name, root)),
        keyring=(root / KEYRING).is_file(),
        kvm=device(root / "dev/kvm"),
        tun=device(root / "dev/net/tun"),
        features=features(root, kernel),
        addresses=(
            *proc.local_addresses4(_text(root / "proc/net/fib_trie")),
            *proc.local_addresses6(_text(root / "proc/net/if_inet6")),
        ),
        interfaces=tuple(sorted(_names(root / "sys/class/net"))),
        routes=tuple(proc.routes4(_text(root / "proc/net/route"))),
        uplinks=tuple(proc.uplinks4(_text(root / "proc/net/route"))),
        resolvers=resolvers.servers(root),
        listeners=listeners(root),
    )


def system(root: Path = Path("/"), machine: str | None = None) -> System:
    """The operating system below `root`."""
    release = proc.os_release(_text(root / "etc/os-release") or _text(root / "usr/lib/os-release"))
    name = release.get("PRETTY_NAME", "an unknown system")
    codename = release.get("VERSION_CODENAME", "")
    return System(
        release.get("ID", ""), release.get("VERSION_ID", ""), codename, name, machine or platform.machine()
    )


def features(root: Path, kernel: str) -> dict[str, Feature]:
    """Which of FEATURES the kernel has. Nothing is loaded for that."""
    tree = root / "lib/modules" / kernel
    loaded = proc.modules_loaded(_text(root / "proc/modules")) | _names(root / "sys/module")
    loaded |= proc.module_files(_text(tree / "modules.builtin"))
    loadable = proc.module_files(_text(tree / "modules.dep"))
    options = proc.kernel_options(_kernel_configuration(root, kernel))

    def one(name: str) -> Feature:
        if name in loaded or options.get(FEATURES[name]) == "y":
            return "loaded"
        if name in loadable:
            return "loadable"
        # A module that is in the configuration but not installed cannot be loaded.
        return "absent" if options or tree.is_dir() else "unknown"

    return {name: one(name) for name in FEATURES}


def _kernel_configuration(root: Path, kernel: str) -> str:
    try:
        return gzip.decompress((root / "proc/config.gz").read_bytes()).decode(errors="replace")
    except (OSError, EOFError):
        return _text(root / f"boot/config-{kernel}")


def device(node: Path) -> Device:
    """Whether a device exists and can be opened for reading and writing; opening it changes nothing."""
    if not node.exists():
        return Device(False, False, "it does not exist")
    try:
        os.close(os.open(node, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        return Device(True, False, error.strerror or str(error))
    return Device(True, True)


def listeners(root: Path = Path("/")) -> tuple[Listener, ...]:
    """Every listening TCP socket of this network namespace."""
    sockets = [one for name in ("tcp", "tcp6") for one in proc.tcp_sockets(_text(root / "proc/net" / name))]
    holders = _holders(root / "proc", {one.inode for one in sockets}) if sockets else {}
    found: dict[tuple[proc.Address, int], Listener] = {}
    for one in sockets:
        pid = holders.get(one.inode)
        program = _text(root / f"proc/{pid}/comm").strip() if pid else ""
        found.setdefault((one.address, one.port), Listener(one.address, one.port, pid, program))
    return tuple(found.values())


def _holders(tree: Path, inodes: set[int]) -> dict[int, int]:
    """Socket inode -> the pid of a process that has it open."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, int] = {}
    for pid in (name for name in _names(tree) if name.isdigit()):
        for descriptor in _names(tree / pid / "fd"):
            try:
                target = str((tree / pid / "fd" / descriptor).readlink())
            except OSError:
                continue
            if target in wanted:
                found.setdefault(wanted[target], int(pid))
    return found


def has_program(name: str, root: Path = Path("/")) -> bool:
    """Whether a program is installed."""
    folders = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
    return any((root / folder / name).is_file() for folder in folders)


def disk_at(path: Path) -> Disk:
    """The file system of `path`, which need not exist yet."""
    existing = path.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    usage = shutil.disk_usage(existing)
    return Disk(usage.free // (1024 * 1024), existing.stat().st_dev, usage.total // (1024 * 1024))


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _names(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in folder.iterdir()}
    except OSError:
        return set()
