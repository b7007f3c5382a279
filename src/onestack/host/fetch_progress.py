"""Parses the output of mmdebstrap and uv for their progress. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

_UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_APT_TOTAL = re.compile(r"\d+ upgraded, (\d+) newly installed")
# The first number of "Need to get 0 B/83.4 MB" is what is still missing.
_APT_BYTES = re.compile(r"Need to get ([\d.,]+) ([kMG]?B)(?:/[\d.,]+ [kMG]?B)? of archives")
_APT_GET = re.compile(r"Get:\d+ .* \[([\d.,]+) ([kMG]?B)\]$")
_UV_BEGUN = re.compile(r"Downloading (\S+) \(([\d.]+)([KMG]?i?B)\)")
_UV_DONE = re.compile(r"Downloaded (\S+)")
_UV_BUILD = re.compile(r"Building (\S+)")


class Reader(Protocol):
    """Parses a program's lines. `read` returns the progress; "" if the line says nothing about it."""

    def read(self, line: str) -> str: ...


def size(number: str, unit: str) -> float:
    """A size in bytes from apt's and uv's notation: ("83.4", "MB")."""
    return float(number.replace(",", "")) * _UNITS[unit]


@dataclass
class Packages:
    """apt's and dpkg's lines: how many packages, and bytes, are fetched, unpacked and set up."""

    phases: set[int] = field(default_factory=set)
    """The number of packages of each run of apt; one of them reports it twice."""
    fetched: float = 0.0
    to_fetch: float = 0.0
    unpacked: int = 0
    configured: int = 0

    def read(self, line: str) -> str:
        if found := _APT_TOTAL.match(line):
            self.phases.add(int(found[1]))
        elif found := _APT_BYTES.match(line):
            self.to_fetch = max(self.to_fetch, self.fetched + size(found[1], found[2]))
        elif found := _APT_GET.match(line):
            self.fetched += size(found[1], found[2])
            known = f" of {self.to_fetch / 1e6:.0f}" if self.to_fetch > self.fetched else ""
            return f"fetched {self.fetched / 1e6:.0f}{known} MB"
        elif line.startswith("Unpacking "):
            self.unpacked += 1
            return f"unpacked {self.unpacked} of {max(sum(self.phases), self.unpacked)} packages"
        elif line.startswith("Setting up "):
            self.configured += 1
            return f"set up {self.configured} of {max(sum(self.phases), self.configured)} packages"
        elif line.startswith("I: extracting archives"):
            return "extracting the first packages"
        return ""


@dataclass
class Wheels:
    """uv's lines: which large packages it is fetching, and how much that is. `wanted`: packages of the lock."""

    wanted: int
    sizes: dict[str, float] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def read(self, line: str) -> str:
        line = line.strip()
        if found := _UV_BEGUN.match(line):
            self.sizes[found[1]] = size(found[2], found[3])
        elif found := _UV_DONE.match(line):
            self.done.add(found[1])
        elif found := _UV_BUILD.match(line):
            return f"building {found[1]}"
        elif line.startswith("Prepared "):
            return f"installing {self.wanted} packages"
        else:
            return ""
        here = sum(bytes_ for name, bytes_ in self.sizes.items() if name in self.done) / 1e6
        all_ = sum(self.sizes.values()) / 1e6
        return f"fetching {self.wanted} packages, large ones: {here:.0f} of {all_:.0f} MB"
