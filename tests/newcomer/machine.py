"""What a machine shows, before a cloud and after it: what `destroy` must take away, and leave as it was."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from cloud.roots import RUNS
from onestack.core.paths import DEFAULT_CACHE

TREES = ("/etc", "/var", "/run", "/root", "/home", "/srv", "/opt", "/mnt", "/media", "/boot", "/usr/local")
"""Where files of a cloud, or of anything it starts, could come to lie. The rest of /usr is packages'."""

EXCEPT = {
    str(DEFAULT_CACHE): "what was fetched stays for the next `up`",
    str(RUNS): "other clouds of the tests",
    "/var/cache": "packages' caches",
    "/root/.cache": "what clients of package indexes keep",
    "/var/lib/dpkg": "the packages that `up` may install",
    "/var/lib/apt": "the same",
    "/var/log/apt": "the same",
    "/var/log/dpkg.log": "the same",
    "/var/log/journal": "the machine's own",
    "/var/tmp": "any program's; ours have a folder of their own for such files",
    "/run/systemd": "the machine's own, changes by itself",
    "/run/udev": "the same",
    "/run/user": "sessions of people",
}
"""Paths that do not count, with the reason."""

UNIT = re.compile(r"/etc/systemd/system/(.+/)?onestack-\w+[.]service")
"""A unit of a cloud that is not the machine's own."""

PACKAGES_CHANGE = ("/etc/ld.so.cache",)
"""What installing a package writes anew without owning it."""

BY_ITSELF = (
    "fs/(aio-nr|dentry-state|file-nr|inode-.*|quota/.*)",
    "kernel/(ns_last_pid|pty/nr|random/.*|perf_event_max_sample_rate|tainted|core_modes|sched_.*)",
    "net/netfilter/nf_conntrack_count",
    "net/ipv4/tcp_fastopen_key",
)
"""Values of the kernel's that change without anybody setting them."""

View = Mapping[str, Mapping[str, str]]
"""What a machine shows: by what shows it, each thing with its state."""


def look() -> View:
    """What the machine shows now. Takes some seconds, most of them for files."""
    found = {
        "interfaces": interfaces(),
        "routes": lines("ip", "route", "show", "table", "all"),
        "routes of IPv6": lines("ip", "-6", "route", "show", "table", "all"),
        "rules": lines("ip", "rule", "show"),
        "network namespaces": lines("ip", "netns", "list"),
        "sysctl": sysctls(),
        "mounts": mounts(),
        "users": _lines_of("/etc/passwd"),
        "groups": _lines_of("/etc/group"),
        "files": files(),
    }
    # Without the program nobody can have made a ruleset; the next look has the base's.
    if (nft := nft_program()) is not None:
        found["nft"] = lines(*nft, "list", "ruleset")
        found["nft tables"] = lines(*nft, "list", "tables")
    return found


def lines(*argv: str) -> dict[str, str]:
    """A command's lines of output, in their order."""
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return _numbered(re.sub(r" expires \d+sec| counter packets \d+ bytes \d+", "", said).splitlines())


def _lines_of(file: str) -> dict[str, str]:
    return _numbered(Path(file).read_text().splitlines())


def _numbered(found: Iterable[str]) -> dict[str, str]:
    """Each line with how often it stands there."""
    counts: dict[str, int] = {}
    for line in found:
        counts[line] = counts.get(line, 0) + 1
    return {line: str(many) for line, many in counts.items()}


def interfaces() -> dict[str, str]:
    """Each interface without what changes by itself: numbers, lifetimes."""
    said = subprocess.run(
        ["ip", "-json", "address", "show"], capture_output=True, text=True, check=True
    ).stdout
    found = {}
    for each in json.loads(said):
        addresses = [f"{one['local']}/{one['prefixlen']}" for one in each.get("addr_info", [])]
        words = [each.get("operstate"), each.get("mtu"), each.get("address"), *addresses]
        found[each["ifname"]] = " ".join(map(str, words))
    return found


def nft_program() -> list[str] | None:
    """How nft is run: the machine's, or the one in the cloud's base, which sees the same network."""
    if own := shutil.which("nft"):
        return [own]
    bases = sorted(DEFAULT_CACHE.glob("*/base-*/usr/sbin/nft"))
    return ["chroot", str(bases[-1].parents[2]), "/usr/sbin/nft"] if bases else None


def sysctls() -> dict[str, str]:
    """The kernel's settings, by name."""
    found, root = {}, "/proc/sys"
    moving = re.compile("|".join(BY_ITSELF))
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            key = str(path.relative_to(root))
            if moving.fullmatch(key):
                continue
            try:
                found[key] = path.read_text(errors="replace").strip()
            except OSError:  # to be written only, or not for this machine
                continue
    return found


def mounts() -> dict[str, str]:
    """Where what is mounted; clouds of other roots hold their namespaces by mounts of their own."""
    table = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    others = re.compile(r"/.+/run/onestack/ns(/.*)?")
    return _numbered(f"{words[4]} {words[3]}" for words in table if not others.fullmatch(words[4]))


def files() -> dict[str, str]:
    """Every path in the trees; what stands in /etc by its content too."""
    found = {}
    for tree in TREES:
        for folder, folders, names in os.walk(tree):
            inside = [each for each in folders if not excepted(f"{folder}/{each}")]
            folders[:] = [each for each in inside if not of_a_tool(f"{folder}/{each}")]
            for path in (f"{folder}/{name}" for name in (*inside, *names)):
                if path not in EXCEPT and not of_the_tests(path):
                    found[path] = _state(path) if path.startswith("/etc/") else ""
    return found | {str(each): "" for each in Path("/tmp").glob("*onestack*")}


def excepted(folder: str) -> bool:
    """Whether a folder does not count: by the list, as a cache of Python's, or as another cloud's root."""
    if folder in EXCEPT or folder.endswith("/__pycache__"):
        return True
    return any(Path(folder, each).is_dir() for each in ("run/onestack", "var/lib/onestack"))


def of_the_tests(path: str) -> bool:
    """Whether a file is the unit of another cloud of the tests, which come and go meanwhile."""
    return bool(UNIT.fullmatch(path)) and Path(path).is_file() and str(RUNS) in Path(path).read_text()


def of_a_tool(folder: str) -> bool:
    """What a person's tool keeps in a folder of its own (.rustup) is not gone through; configuration is."""
    return bool(re.fullmatch(r"/(root|home/[^/]+)/[.](?!config$)[^/]+", folder))


def _state(path: str) -> str:
    place, info = Path(path), os.lstat(path)
    state = f"{info.st_mode:o} {info.st_uid}:{info.st_gid}"
    if place.is_symlink():
        return f"{state} -> {place.readlink()}"
    return f"{state} {hashlib.sha256(place.read_bytes()).hexdigest()[:12]}" if place.is_file() else state


def reboot(before: View) -> None:
    """What a reboot does to the machine's own network and kernel: nothing is left of what came since `before`.

    Other tests run meanwhile: what is theirs may be gone before it is removed, and what the kernel counts by itself
    cannot be set. What should be gone and is not, the comparison at the end shows.
    """
    for name in interfaces().keys() - before["interfaces"].keys():
        # The other end of a pair goes with the first.
        subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
    if (nft := nft_program()) is not None:
        for line in lines(*nft, "list", "tables").keys() - before.get("nft tables", {}).keys():
            subprocess.run([*nft, "delete", *line.split()], capture_output=True, check=False)
    for name, value in sysctls().items():
        if (then := before["sysctl"].get(name, value)) != value:
            with suppress(OSError):
                Path("/proc/sys", name).write_text(then)


def difference(before: View, after: View) -> dict[str, list[str]]:
    """What is there more (+), less (-) or otherwise (~), by what shows it; empty when all is as it was."""
    found = {}
    for name in before.keys() & after.keys():
        then, now = before[name], after[name]
        told = [f"+ {each}" for each in sorted(now.keys() - then.keys())]
        told += [f"- {each}" for each in sorted(then.keys() - now.keys())]
        both = sorted(then.keys() & now.keys())
        told += [f"~ {each}: {then[each]} → {now[each]}" for each in both if then[each] != now[each]]
        if told:
            found[name] = told
    return found


def left(before: View, after: View) -> dict[str, list[str]]:
    """The difference, without files of packages that were installed meanwhile, and settings that a module brought."""
    found = difference(before, after)
    # Those of interfaces come and go with them, and interfaces are compared themselves.
    found["sysctl"] = [each for each in found.get("sysctl", []) if each.startswith("~")]
    if "files" in found:
        packaged = {*_packaged(), *PACKAGES_CHANGE}
        found["files"] = [each for each in found["files"] if each[2:].partition(": ")[0] not in packaged]
    return {name: told for name, told in found.items() if told}


def _packaged() -> Iterator[str]:
    for listed in Path("/var/lib/dpkg/info").glob("*.list"):
        yield from listed.read_text(errors="replace").splitlines()
