"""The cloud's own mount namespace: the base as its root, the cloud's folders at fixed places, a small /dev.

OVS, OVN, libvirt, QEMU, MariaDB and OpenStack run inside it; the machine's own file tree is not there, and
nothing that is mounted inside shows outside. The namespace is held by a file (`<run>/ns/mnt`), so that it
outlives any process: a supervisor that starts again finds the guests and network namespaces of before. A
cloud beside the machine's own has a network namespace too (`<run>/ns/net`).

A tree beside the base (`base.TREES`) is the root of a mount namespace of its own (`<run>/ns/mnt-NAME`), which comes
and goes without the first one. Of the cloud's folders it has those that a daemon writes to.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onestack.core import contract
from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.host import netns
from onestack.host.command import CommandFailed, run

# Name, major, minor, mode. None gives access to the machine's disks or console.
_DEVICES = (
    ("null", 1, 3, 0o666),
    ("zero", 1, 5, 0o666),
    ("full", 1, 7, 0o666),
    ("random", 1, 8, 0o666),
    ("urandom", 1, 9, 0o666),
    ("tty", 5, 0, 0o666),
)
_MNT_DETACH = 2
DISKS, DISK_USER = "/dev/onestack", "ceph"
"""Where the daemons of a tree beside the base find the host's disks, and their user."""
# Bind-mounted from the machine's /dev, if they exist there.
_HOST_DEVICES = ("net/tun", "vhost-net", "fuse")


@dataclass(frozen=True)
class Layout:
    """The content of the namespace: every path outside that is mounted inside."""

    base: Path
    environment: Path | None
    runtime: Path | None
    paths: Paths
    kvm: bool = False
    dashboard: Path | None = None
    """The dashboard's static files, if the cloud has a dashboard."""
    tree: str = ""
    """Which tree `base` is, where it is one beside the base: without environment, runtime and configuration."""
    disks: tuple[tuple[str, str], ...] = ()
    """The host's disks that it has, by their names inside, in DISKS: devices, or files. They belong to their owner
    outside."""


def beside(name: str, tree: Path, paths: Paths, disks: tuple[tuple[str, str], ...] = ()) -> Layout:
    """The namespace of a tree beside the base."""
    return Layout(tree, None, None, paths, tree=name, disks=disks)


def mount_handle(paths: Paths, tree: str = "") -> Path:
    """The file that holds a cloud's mount namespace, or that of a tree beside the base."""
    return paths.run / "ns" / (f"mnt-{tree}" if tree else "mnt")


def trees(paths: Paths) -> list[str]:
    """The names of the trees beside the base that have a namespace."""
    found = (each.name.removeprefix("mnt-") for each in (paths.run / "ns").glob("mnt-*"))
    return sorted(each for each in found if exists(paths, each))


def outdated(layout: Layout) -> bool:
    """Whether the namespace exists but was created from another `layout`."""
    made = _made(layout.paths, layout.tree)
    return exists(layout.paths, layout.tree) and (not made.exists() or made.read_text() != _plan(layout))


def _made(paths: Paths, tree: str) -> Path:
    """The file that says from what a namespace was made."""
    return paths.run / (f"layout-{tree}" if tree else "layout")


def note_made(layout: Layout, tree: str = "") -> None:
    """Write down from what a namespace was made. `tree`: of a copy beside the cloud's own, its name."""
    _made(layout.paths, tree or layout.tree).write_text(_plan(layout))


def is_made_from(layout: Layout, tree: str) -> bool:
    """Whether there is a copy of this name, made from `layout`."""
    made = _made(layout.paths, tree)
    return exists(layout.paths, tree) and made.exists() and made.read_text() == _plan(layout)


def _plan(layout: Layout) -> str:
    if layout.tree:
        plan = {
            "tree": layout.tree,
            "base": layout.base,
            "root": layout.paths.root,
            "cache": layout.paths.cache,
        }
        given = {"disks": layout.disks} if layout.disks else {}
        return json.dumps({name: str(value) for name, value in plan.items()} | given)
    return json.dumps(
        {
            "base": str(layout.base),
            "environment": str(layout.environment),
            "runtime": str(layout.runtime),
            "dashboard": str(layout.dashboard) if layout.dashboard else None,
            "root": str(layout.paths.root),
            "cache": str(layout.paths.cache),
            "kvm": layout.kvm,
        }
    )


def mounts(layout: Layout, stage: Path) -> list[list[str]]:
    """The commands that build the tree under `stage`, in order; they run inside the new namespace."""
    paths = layout.paths

    def bind(source: Path, target: str) -> list[str]:
        return ["mount", "--bind", str(source), f"{stage}{target}"]

    return [
        ["mount", "--bind", str(layout.base), str(stage)],
        ["mount", "-o", "remount,bind,ro", str(stage)],
        ["mount", "-t", "proc", "proc", f"{stage}/proc"],
        ["mount", "-t", "sysfs", "-o", "ro", "sysfs", f"{stage}/sys"],
        ["mount", "-t", "tmpfs", "-o", "mode=755,size=1m", "onestack-dev", f"{stage}/dev"],
        bind(paths.run, contract.RUN),
        bind(paths.data, contract.LIB),
        bind(paths.log, "/var/log"),
        bind(paths.data / "tmp", "/tmp"),
        bind(paths.data / "tmp", "/var/tmp"),
        *(bind(source, target) for source, target in ([] if layout.tree else _of_base(layout))),
        *(
            bind(Path("/etc") / name, f"/etc/{name}")
            for name in ("hosts", "resolv.conf", "localtime")
            if (Path("/etc") / name).exists() and (layout.base / "etc" / name).exists()
        ),
    ]


def _of_base(layout: Layout) -> list[tuple[Path, str]]:
    """What only the base's namespace has: (outside, inside)."""
    paths = layout.paths
    parts = {
        contract.ENVIRONMENT: layout.environment,
        contract.RUNTIME: layout.runtime,
        contract.DASHBOARD: layout.dashboard,
    }
    return [
        (paths.data / "cache", "/var/cache"),
        (paths.etc, contract.ETC),
        (paths.etc / "libvirt", "/etc/libvirt"),
        # Only a base with the Ceph packages has this folder.
        *([(paths.etc / "ceph", "/etc/ceph")] if (layout.base / "etc/ceph").exists() else []),
        *((source, target) for target, source in parts.items() if source),
    ]


def enter(paths: Paths, argv: Sequence[str], tree: str = "") -> list[str]:
    """The command line that runs `argv` inside: in the base, or in a tree beside it."""
    words = ["nsenter", f"--mount={mount_handle(paths, tree)}"]
    if netns.handle(paths).exists():
        words.append(f"--net={netns.handle(paths)}")
    return [*words, "--wdns=/", "--", *argv]


def exists(paths: Paths, tree: str = "") -> bool:
    """Whether the namespace exists (it is gone after a reboot)."""
    return _is_mounted(mount_handle(paths, tree))


def mount_points() -> list[Path]:
    """All mount points of this process's mount namespace, in the order in which they were mounted."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    # Blanks in names are escaped as \\040.
    return [Path(line.split()[4].encode().decode("unicode_escape")) for line in lines]


def _is_mounted(place: Path) -> bool:
    return place in mount_points()


def create(layout: Layout, *, isolated: bool) -> None:
    """Create the namespace (with `isolated` also a network namespace) unless it exists."""
    paths = layout.paths
    handle, net = mount_handle(paths, layout.tree), netns.handle(paths)
    folder = handle.parent
    folder.mkdir(parents=True, exist_ok=True)
    if not _is_mounted(folder):
        # The file that keeps a mount namespace alive must be on a private mount; otherwise the namespace would
        # contain a reference to itself.
        run(["mount", "--bind", str(folder), str(folder)])
        run(["mount", "--make-private", str(folder)])
    if isolated and not _is_mounted(net):
        net.touch()
        run(["unshare", f"--net={net}", "ip", "link", "set", "lo", "up"])
    if exists(paths, layout.tree):
        return
    handle.touch()
    plan = _plan(layout)
    inside = [sys.executable, "-m", "onestack.host.namespace", plan]
    words = ["unshare", f"--mount={handle}", "--propagation", "private"]
    if isolated:
        words = ["nsenter", f"--net={net}", *words]
    on_some_processor([*words, *inside])
    note_made(layout)


def on_some_processor(argv: Sequence[str]) -> None:
    """Run the command that creates a mount namespace and bind-mounts it to a file, on one processor after another
    until it succeeds.

    Linux refuses that (EINVAL) unless the new namespace is younger than the one that contains the file. It compares
    their ids, and since 6.18 each processor allocates ids from a range of its own: if the outer namespace (a
    container's, for instance) was created on another processor, the new one may seem older.
    """
    refused = os.strerror(errno.EINVAL)
    for processor in (None, *sorted(os.sched_getaffinity(0))):
        try:
            run(argv if processor is None else ["taskset", "--cpu-list", str(processor), *argv])
            return
        except CommandFailed as failure:
            if refused not in failure.output:
                raise
            last = failure
    raise last


def remove(paths: Paths) -> None:
    """Release the namespaces; they end with their last process."""
    folder = mount_handle(paths).parent
    for handle in (*folder.glob("mnt-*"), mount_handle(paths), netns.handle(paths)):
        _release(handle)
    while _is_mounted(folder):
        run(["umount", str(folder)])
    if folder.exists():
        folder.rmdir()


def remove_tree(paths: Paths, tree: str) -> None:
    """Release the namespace of a tree beside the base; the cloud's own stays."""
    _release(mount_handle(paths, tree))
    _made(paths, tree).unlink(missing_ok=True)


def _release(handle: Path) -> None:
    while _is_mounted(handle):
        run(["umount", str(handle)])
    handle.unlink(missing_ok=True)


def _make_devices(folder: Path, of_host: Sequence[str]) -> None:
    """`of_host`: the names of the machine's devices that it has too."""
    for name, major, minor, mode in _DEVICES:
        os.mknod(folder / name, stat.S_IFCHR | mode, os.makedev(major, minor))
        (folder / name).chmod(mode)
    for name in of_host:
        source = Path("/dev") / name
        if source.exists():
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            os.mknod(target, stat.S_IFCHR, source.stat().st_rdev)
            # QEMU does not run as root, and opens them; only the cloud sees this /dev.
            target.chmod(0o666)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
    run(
        [
            "mount",
            "-t",
            "devpts",
            "-o",
            "newinstance,ptmxmode=0666,mode=0620,gid=5",
            "devpts",
            str(folder / "pts"),
        ]
    )
    run(["mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "onestack-shm", str(folder / "shm")])
    for name, aim in {
        "ptmx": "pts/ptmx",
        "fd": "/proc/self/fd",
        "stdin": "fd/0",
        "stdout": "fd/1",
        "stderr": "fd/2",
    }.items():
        (folder / name).symlink_to(aim)


def _give_disks(folder: Path, layout: Layout) -> None:
    """Have the host's disks in `folder`: a node for each device, for the daemon's user alone; files themselves."""
    if not layout.disks:
        return
    folder.mkdir()
    for name, place in layout.disks:
        there, target = Path(place).stat(), folder / name
        if stat.S_ISBLK(there.st_mode):
            os.mknod(target, stat.S_IFBLK | 0o600, there.st_rdev)
            os.chown(target, owner(layout.base), 0)
        else:
            target.touch()
            run(["mount", "--bind", place, str(target)])


def owner(tree: Path) -> int:
    """The id of the user to whom a tree's disks belong, by its name in the tree."""
    rows = (line.split(":") for line in (tree / "etc/passwd").read_text().splitlines())
    return {row[0]: int(row[2]) for row in rows if len(row) > 2}[DISK_USER]


def _build(layout: Layout) -> None:
    """Run inside the new mount namespace: mount everything, and make the base its root."""
    stage = layout.paths.data / "base"
    stage.mkdir(exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    for argv in mounts(layout, stage):
        run(argv)
    devices = () if layout.tree else (*_HOST_DEVICES, *(("kvm",) if layout.kvm else ()))
    _make_devices(stage / "dev", devices)
    _give_disks(stage / DISKS.removeprefix("/"), layout)
    if not layout.tree:
        run(["mount", "-t", "tmpfs", "-o", "mode=755", "onestack-netns", f"{stage}/run/netns"])
        # `ip netns` shares its mounts with mount namespaces created later; inside, this sharing ends at our root.
        run(["mount", "--make-shared", f"{stage}/run/netns"])
    run(["pivot_root", str(stage), f"{stage}/mnt"])
    os.chdir("/")
    # From here on the base is the root; detach the old tree. Not every tree has the program `umount`.
    if libc.umount2(b"/mnt", _MNT_DETACH) != 0:
        raise OSError(ctypes.get_errno(), "the old root stays mounted")


def _main() -> None:
    plan = json.loads(sys.argv[1])
    paths = Paths(Path(plan["root"]), Path(plan["cache"]))
    if tree := plan.get("tree"):
        disks = tuple((name, path) for name, path in plan.get("disks", ()))
        layout = beside(tree, Path(plan["base"]), paths, disks)
    else:
        layout = Layout(
            base=Path(plan["base"]),
            environment=Path(plan["environment"]),
            runtime=Path(plan["runtime"]),
            paths=paths,
            kvm=plan["kvm"],
            dashboard=Path(plan["dashboard"]) if plan["dashboard"] else None,
        )
    try:
        _build(layout)
    except (PermanentError, OSError) as error:
        sys.exit(f"{error}\n{getattr(error, 'detail', '')}")


if __name__ == "__main__":
    _main()
