"""What can be seen of a cloud on a machine, before and after: what `destroy` must take away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from cloud.roots import RUNS
from onestack.core.paths import DEFAULT_CACHE
from onestack.host import nat

# Where files of a cloud, or of anything it starts, could come to lie. Not /usr and the like: packages' folders.
TREES = ("/etc", "/var", "/run", "/root", "/home", "/srv", "/opt", "/mnt", "/media", "/boot")
# The cache stays; packages' own folders; what clients of registries keep; other clouds of this test run.
EXCEPT = (
    str(DEFAULT_CACHE),
    str(RUNS),
    "/var/lib/dpkg",
    "/var/lib/apt",
    "/var/cache",
    "/var/log/apt",
    "/var/log/dpkg.log",
    "/var/log/journal",
    "/run/systemd",
    "/run/udev",
    "/root/.cache",
)


def look(root: Path) -> Mapping[str, list[str]]:
    """What a machine shows, by the command that shows it, with the processes that have to do with `root`."""
    commands = {
        "ip link": ["ip", "-json", "link", "show"],
        "ip address": ["ip", "-json", "address", "show"],
        "ip route": ["ip", "route", "show", "table", "all"],
        "ip rule": ["ip", "rule", "show"],
        "ip netns": ["ip", "netns", "list"],
        "nft list ruleset": [*nft(), "list", "ruleset"],
        "virsh list --all": ["virsh", "list", "--all", "--name"],
    }
    found = {name: said(argv) for name, argv in commands.items() if shutil.which(argv[0])}
    for name in ("ip link", "ip address"):
        found[name] = [interface(each) for each in json.loads("\n".join(found[name]))]
    found["IPv4 settings"] = settings()
    found["mounts"] = mounts()
    found["processes"] = list(processes_of(root))
    found["files"] = list(files())
    found["users"] = (
        Path("/etc/passwd").read_text().splitlines() + Path("/etc/group").read_text().splitlines()
    )
    return found


def nft() -> list[str]:
    """The machine's nft; where it has none, that of a base in the cache, or after all a word that is no program."""
    bases = sorted(DEFAULT_CACHE.glob("*/base"))
    return ["nft"] if shutil.which("nft") or not bases else nat.program(bases[-1], "nft")


def settings() -> list[str]:
    """What the kernel does with IPv4 packets here."""
    files = [*nat.SETTINGS.glob("*"), *nat.SETTINGS.glob("conf/*/*")]
    readable = [file for file in files if file.is_file() and file.stat().st_mode & 0o400]
    return sorted(f"{file.relative_to(nat.SETTINGS)} {file.read_text().strip()}" for file in readable)


def said(argv: list[str]) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


def interface(told: Mapping[str, object]) -> str:
    """An interface without what changes by itself: numbers, lifetimes."""
    addresses = [
        f"{each['local']}/{each['prefixlen']}"
        for each in told.get("addr_info", [])  # type: ignore[attr-defined]
    ]
    words = [told["ifname"], told.get("operstate"), told.get("mtu"), told.get("address"), *addresses]
    return " ".join(str(each) for each in words)


def mounts() -> list[str]:
    """Where what is mounted, without numbers. Those of clouds of another root are another's business."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted(
        f"{words[4]} {words[3]}"
        for words in lines
        if "/run/onestack/ns" not in words[4] or str(RUNS) in words[4]
    )


def processes_of(root: Path) -> Iterator[str]:
    """Processes that name the root, or see one of its mounts that this process does not."""
    mark = str(root).encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            sees = mark in (entry / "mountinfo").read_bytes()
            names = mark in words or mark in os.fsencode((entry / "cwd").readlink())
        except OSError:
            continue
        if sees or names:
            yield f"{entry.name} {words.replace(bytes(1), b' ').decode(errors='replace')}"


def files() -> Iterator[str]:
    """Every path in the trees above."""
    for tree in TREES:
        for folder, folders, names in os.walk(tree):
            folders[:] = sorted(each for each in folders if not excepted(f"{folder}/{each}", each))
            yield from (f"{folder}/{name}" for name in sorted([*folders, *names]))
    yield from (f"/tmp/{each.name}" for each in sorted(Path("/tmp").iterdir()) if "onestack" in each.name)


def excepted(path: str, name: str) -> bool:
    """Also what tools of a machine's users keep in folders of their own (.rustup); clients' configuration counts."""
    private = path.startswith(("/root/.", "/home/")) and name.startswith(".") and name != ".config"
    return private or name == "__pycache__" or path in EXCEPT


def difference(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What is there more (+) or less (-), by the command that shows it; empty when all is as it was."""
    found = {}
    for name in before:
        more = [f"+ {each}" for each in sorted(set(after[name]) - set(before[name]))]
        less = [f"- {each}" for each in sorted(set(before[name]) - set(after[name]))]
        if more or less:
            found[name] = [*more, *less]
    return found
