"""The first process of a pretended host: it builds the host's file tree, makes it its root, and stays as its init.

Run by `cluster.host` in new namespaces; only Python's own library is used. All mounts are in the host's mount
namespace, which ends with its last process: nothing has to be unmounted on the machine.

It writes `here` when it runs, waits for a line of JSON that says what the host is like (by then its NICs are
there), and writes `ready` when the host is up.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MNT_DETACH = 2
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
# Name, major, minor. No disk and no /dev/kvm: guests run under QEMU's own emulation on every machine.
DEVICES = (
    *(("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9)),
    *(("tty", 5, 0), ("net/tun", 10, 200), ("fuse", 10, 229)),
)
LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "fd/0",
    "stdout": "fd/1",
    "stderr": "fd/2",
}
# Where a cloud of the machine's own could be, and the machine's ssh: not for a pretended host.
HIDDEN = (
    *("etc/onestack", "var/lib/onestack", "var/log/onestack", "var/cache/onestack", "etc/ssh", "root/.ssh"),
    *("etc/systemd/system/onestack.service", "var/log/wtmp", "var/log/btmp", "var/log/lastlog"),
)
OWN = {"tmp": 0o1777, "var/tmp": 0o1777}
"""Folders that lie beside the overlay, on the host's disk: the machine's are full of other things."""
# Reaps whatever loses its parent. Without sshd it has no child to wait for, for a while.
INIT = """
import os, subprocess, sys, time
subprocess.Popen(["/usr/sbin/sshd", "-D", "-e"], stdin=subprocess.DEVNULL)
print("ready", flush=True)
null = os.open("/dev/null", os.O_RDWR)
os.dup2(null, 0)
os.dup2(null, 1)
while True:
    try:
        os.wait()
    except ChildProcessError:
        time.sleep(0.5)
"""


def run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def parents(upper: Path, path: Path) -> None:
    """Have in the upper layer the folders above a path, as they are below."""
    for folder in reversed(path.parents[:-1]):
        aim, below = upper / folder, Path("/") / folder
        if not aim.exists() and below.is_dir():
            kept = below.stat()
            aim.mkdir()
            aim.chmod(stat.S_IMODE(kept.st_mode))
            os.chown(aim, kept.st_uid, kept.st_gid)


def hide(upper: Path, name: str) -> None:
    """Have the host not see a path of the machine's: a device 0/0 in the upper layer says that it is gone."""
    if os.path.lexists(Path("/") / name):
        parents(upper, Path(name))
        os.mknod(upper / name, stat.S_IFCHR, os.makedev(0, 0))


def no_checksum_offload(name: str) -> None:
    """A veth leaves checksums to a card that is not there; what reads whole packets (OVS in userspace) drops them."""
    value = ctypes.create_string_buffer(struct.pack("II", ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP", name.encode(), ctypes.addressof(value)).ljust(40, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCETHTOOL, request)


def network(name: str, given: Mapping[str, Any]) -> None:
    socket.sethostname(name)
    for each in ("all", "default", "eth0"):
        # An address counts at once: no other host has it, and a list of addresses does not change by itself.
        file = Path(f"/proc/sys/net/ipv6/conf/{each}/accept_dad")
        if file.exists():
            file.write_text("0")
    no_checksum_offload("eth0")
    if given["outside"]:
        no_checksum_offload("eth1")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{given['address']}/{given['prefix']}", "dev", "eth0")
    run("ip", "link", "set", "eth0", "up")
    run("ip", "route", "add", "default", "via", given["gateway"])


def devices(folder: Path) -> None:
    run("mount", "-t", "tmpfs", "-o", "mode=755,size=1m", "dev", str(folder))
    for name, major, minor in DEVICES:
        (folder / name).parent.mkdir(exist_ok=True)
        os.mknod(folder / name, stat.S_IFCHR, os.makedev(major, minor))
        (folder / name).chmod(0o666)
    for name in ("pts", "shm"):
        (folder / name).mkdir()
    options = "newinstance,ptmxmode=0666,mode=0620,gid=5"
    run("mount", "-t", "devpts", "-o", options, "devpts", str(folder / "pts"))
    run("mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "shm", str(folder / "shm"))
    for name, aim in LINKS.items():
        (folder / name).symlink_to(aim)


def install(root: Path, files: Mapping[str, Any]) -> None:
    """Write the host's own files: path below the root, text, mode."""
    for name, (text, mode) in files.items():
        file = root / name
        if not file.parent.exists():
            file.parent.mkdir(parents=True, mode=0o700 if name.startswith("root/") else 0o755)
        if file.is_symlink():
            file.unlink()
        file.write_text(text)
        file.chmod(mode)
    shadow = root / "etc/shadow"
    # sshd refuses an account that is locked, even with a key.
    lines = [line.replace("root:!", "root:*", 1) for line in shadow.read_text().splitlines(keepends=True)]
    shadow.write_text("".join(lines))


def build(given: Mapping[str, Any]) -> Path:
    """Mount the host's tree and return where."""
    disk, root = Path(given["work"]) / "disk", Path(given["work"]) / "root"
    run("mount", "-o", "loop,noinit_itable,discard", given["image"], str(disk))
    upper, fresh = disk / "upper", not (disk / "upper").exists()
    if fresh:
        for name in ("upper", "overlay"):
            (disk / name).mkdir(mode=0o755)
        for name, mode in OWN.items():
            (disk / name).mkdir(parents=True)
            (disk / name).chmod(mode)
        for name in HIDDEN:
            hide(upper, name)
    layers = f"lowerdir=/,upperdir={upper},workdir={disk}/overlay"
    run("mount", "-t", "overlay", "-o", layers, f"host-{given['name']}", str(root))
    run("mount", "-t", "proc", "proc", f"{root}/proc")
    run("mount", "-t", "sysfs", "sysfs", f"{root}/sys")
    run("mount", "-t", "tmpfs", "-o", "mode=755,nosuid,nodev", "run", f"{root}/run")
    for name, mode in {"run/lock": 0o1777, "run/sshd": 0o755}.items():
        (root / name).mkdir()
        (root / name).chmod(mode)
    devices(root / "dev")
    # Each start is a boot of its own, also for those who remember something until the next one.
    boot = disk / "boot_id"
    boot.write_text(f"{uuid.uuid4()}\n")
    run("mount", "--bind", str(boot), f"{root}/proc/sys/kernel/random/boot_id")
    for name in OWN:
        run("mount", "--bind", str(disk / name), f"{root}/{name}")
    if fresh:
        install(root, given["files"])
    for source, (target, options) in given["shared"].items():
        place = root / target.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        run("mount", "--bind", source, str(place))
        if options:
            run("mount", "-o", f"remount,bind,{options}", str(place))
    return root


def main() -> None:
    sys.stdout.write("here\n")
    sys.stdout.flush()
    given = json.loads(sys.stdin.readline())
    network(given["name"], given)
    root = build(given)
    run("pivot_root", str(root), f"{root}/mnt")
    os.chdir("/")
    # Not by umount(8), which would write down in the host's /run what it did.
    if ctypes.CDLL(None, use_errno=True).umount2(b"/mnt", MNT_DETACH) != 0:
        sys.exit(f"the machine's root stays mounted: {os.strerror(ctypes.get_errno())}")
    os.umask(0o022)
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else shutil.which("python3")
    if python is None:
        sys.exit("a host must have python3")
    clean = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/root"}
    os.execve(python, [python, "-I", "-S", "-c", INIT], clean)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
