"""Looks at a pretended host from outside and writes what it saw, as JSON: `python looking.py files|network|run …`.

Run in namespaces of the host's; only Python's own library is used, and no program that a machine may lack (nft).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

WHOLE = 32 << 20
"""Bytes up to which a file's content is compared."""
# Logs of logins, and what Python keeps of modules it has read: they say nothing of who changed the host.
PASSING = ("/var/log/wtmp", "/var/log/btmp", "/var/log/lastlog", "/root/.bash_history", "/root/.cache")
COUNTERS = ("nf_conntrack_count", "stable_secret", "tcp_fastopen_key")
_ENDS = re.compile(r"@if\d+| link-netnsid \d+")
NETLINK_NETFILTER, GET_TABLE, TABLE_NAME = 12, 0x0A01, 1
REQUEST_DUMP = 0x301


def files(image: str, disk: str) -> dict[str, list[str]]:
    """What the host's disk says of files: its layer over the machine's root, and folders of its own."""
    subprocess.run(["mount", "-o", "loop", image, disk], check=True)
    upper = Path(disk) / "upper"
    found = [line for path in below(upper) if (line := changed(path, Path("/") / path.relative_to(upper)))]
    for name in ("tmp", "var/tmp"):
        own = Path(disk) / name
        found += [f"/{name}/{path.relative_to(own)} {described(path)}" for path in below(own)]
    return {
        "files": sorted(line for line in found if not line.startswith(PASSING) and "__pycache__" not in line)
    }


def below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            yield Path(place) / name


def changed(path: Path, lower: Path) -> str:
    """A line for a path of the upper layer; empty where the host sees there what the machine sees."""
    seen = path.lstat()
    there = os.path.lexists(lower)
    if stat.S_ISCHR(seen.st_mode) and seen.st_rdev == 0:
        return f"{lower} removed" if there else ""
    now = described(path)
    if there and now == described(lower):
        return ""
    return f"{lower} {now}"


def described(path: Path) -> str:
    """Kind, mode, owner and content."""
    seen = path.lstat()
    text = f"{stat.filemode(seen.st_mode)} {seen.st_uid}:{seen.st_gid}"
    if stat.S_ISLNK(seen.st_mode):
        return f"{text} -> {path.readlink()}"
    if stat.S_ISDIR(seen.st_mode):
        try:
            # Put in place of the machine's: what that one holds is not seen.
            whole = os.getxattr(path, "trusted.overlay.opaque") == b"y"
        except OSError:
            whole = False
        return f"{text} in place of the machine's" if whole else text
    if not stat.S_ISREG(seen.st_mode):
        return text
    if seen.st_size > WHOLE:
        return f"{text} {seen.st_size} bytes of {seen.st_mtime_ns}"
    return f"{text} {seen.st_size} bytes {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def network() -> dict[str, list[str]]:
    """Interfaces, addresses, routes, the kernel's settings and tables of nftables."""

    def ip(*words: str) -> list[str]:
        said = subprocess.run(["ip", "-o", *words], check=True, capture_output=True, text=True).stdout
        # The number of the other end's namespace, and of the other end, are the machine's business.
        return sorted({_ENDS.sub("", " ".join(line.split())) for line in said.splitlines()})

    return {
        "interfaces": [" ".join(line.split()[1:]) for line in ip("link")],
        "addresses": [" ".join(line.split()[1:]) for line in ip("address")],
        "routes": [
            *ip("-4", "route", "show", "table", "all"),
            *ip("-6", "route", "show", "table", "all"),
            *ip("rule"),
        ],
        "settings": sorted(settings()),
        "nftables": sorted(tables()),
    }


def settings() -> Iterator[str]:
    for group in ("ipv4", "ipv6", "netfilter"):
        for place, _, names in os.walk(f"/proc/sys/net/{group}"):
            for name in names:
                if name not in COUNTERS:
                    try:
                        value = " ".join((Path(place) / name).read_text().split())
                    except OSError:  # to be written only
                        continue
                    yield f"{place.removeprefix('/proc/sys/')}/{name} = {value}"


def tables() -> Iterator[str]:
    """Family and name of each table, asked of the kernel itself: nfnetlink's NFT_MSG_GETTABLE."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as kernel:
        kernel.send(struct.pack("=IHHIIBBH", 20, GET_TABLE, REQUEST_DUMP, 1, 0, 0, 0, 0))
        while True:
            data = kernel.recv(65536)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind == 3:  # the end
                    return
                if kind == 2:  # no nftables in this kernel
                    return
                family, attributes = data[16], data[20:length]
                while attributes:
                    size, number = struct.unpack_from("=HH", attributes)
                    if number == TABLE_NAME:
                        yield f"{family} {attributes[4 : size - 1].decode()}"
                    attributes = attributes[(size + 3) & ~3 :]
                data = data[(length + 3) & ~3 :]


def running(proc: str) -> dict[str, list[str]]:
    """What is in the host's /run and what is mounted in it, by its first process."""
    run = Path(proc) / "root/run"
    # /run/mount is what mount(8) keeps for itself; a machine with systemd has it anyway.
    paths = (path for path in below(run) if not path.is_socket() and run / "mount" not in (path, path.parent))
    mounts = [line.split() for line in (Path(proc) / "mountinfo").read_text().splitlines()]
    return {
        "run": sorted(
            f"/run/{path.relative_to(run)} {stat.filemode(path.lstat().st_mode)}" for path in paths
        ),
        "mounts": sorted(f"{words[4]} {words[words.index('-') + 1]}" for words in mounts),
        "hostname": [(Path(proc) / "root/etc/hostname").read_text().strip()],
    }


def main() -> None:
    kind, *words = sys.argv[1:]
    ways: dict[str, Callable[..., dict[str, list[str]]]] = {
        "files": files,
        "network": network,
        "run": running,
    }
    sys.stdout.write(json.dumps(ways[kind](*words)))


if __name__ == "__main__":
    main()
