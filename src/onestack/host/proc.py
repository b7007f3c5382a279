"""Parses text files of the kernel and the distribution. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LISTEN = "0A"
_ROUTE_UP = 0x1
_ROUTE_REJECT = 0x200


@dataclass(frozen=True)
class Socket:
    """A listening TCP socket. `inode` identifies the process that has it open."""

    address: Address
    port: int
    inode: int


@dataclass(frozen=True)
class Route:
    """A route of the machine's main routing table."""

    network: Network
    interface: str


def os_release(text: str) -> dict[str, str]:
    """The fields of /etc/os-release."""
    pairs = re.findall(r"^([A-Z0-9_]+)=(.*)$", text, re.M)
    return {key: value.strip().strip("\"'") for key, value in pairs}


def meminfo(text: str) -> dict[str, int]:
    """/proc/meminfo in MiB."""
    return {name: int(kib) // 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)}


def cpus(text: str) -> int:
    """The number of processors in /proc/cpuinfo; at least 1."""
    return max(1, len(re.findall(r"^processor\s*:", text, re.M)))


def virtualization(text: str) -> bool:
    """Whether the processor offers hardware virtualization to this machine (vmx or svm)."""
    return bool(re.search(r"^flags\s*:.*\b(vmx|svm)\b", text, re.M))


def tcp_sockets(text: str) -> Iterator[Socket]:
    """The listening sockets of /proc/net/tcp or tcp6."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) >= 10 and words[3] == _LISTEN:
            raw, port = words[1].split(":")
            yield Socket(_kernel_address(raw), int(port, 16), int(words[9]))


def _kernel_address(raw: str) -> Address:
    """32-bit words in the machine's byte order, which is little-endian on all supported machines."""
    words = [bytes.fromhex(raw[at : at + 8])[::-1] for at in range(0, len(raw), 8)]
    packed = b"".join(words)
    if len(packed) == 4:
        return IPv4Address(packed)
    address = IPv6Address(packed)
    return address.ipv4_mapped or address


def routes4(text: str) -> Iterator[Route]:
    """The routes of /proc/net/route except the default route."""
    return (route for route in _routes4(text) if route.network.prefixlen)


def uplinks4(text: str) -> list[str]:
    """The interfaces that default routes go through."""
    return list(dict.fromkeys(route.interface for route in _routes4(text) if not route.network.prefixlen))


def _routes4(text: str) -> Iterator[Route]:
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 8 or not int(words[3], 16) & _ROUTE_UP or int(words[3], 16) & _ROUTE_REJECT:
            continue
        mask = int.from_bytes(bytes.fromhex(words[7]), "little")
        start = int.from_bytes(bytes.fromhex(words[1]), "little")
        yield Route(IPv4Network((start & mask, mask.bit_count())), words[0])


def local_addresses4(text: str) -> list[IPv4Address]:
    """This machine's IPv4 addresses: the leaves of /proc/net/fib_trie that are `host LOCAL`."""
    found: dict[IPv4Address, None] = {}
    leaf = ""
    for line in text.splitlines():
        if match := re.search(r"\|-- (\S+)", line):
            leaf = match[1]
        elif "/32 host LOCAL" in line:
            found[IPv4Address(leaf)] = None
    return list(found)


def local_addresses6(text: str) -> list[IPv6Address]:
    """This machine's IPv6 addresses, from /proc/net/if_inet6."""
    return [IPv6Address(bytes.fromhex(line.split()[0])) for line in text.splitlines() if line.strip()]


def modules_loaded(text: str) -> set[str]:
    """The names in /proc/modules."""
    return {line.split()[0] for line in text.splitlines() if line.strip()}


def module_files(text: str) -> set[str]:
    """The names in modules.builtin or modules.dep: `kernel/net/openvswitch/openvswitch.ko.xz: …`."""
    found = re.findall(r"^[^\s:]*?([^/\s:]+)\.ko(?:\.\w+)?(?=:|\s|$)", text, re.M)
    return {name.replace("-", "_") for name in found}


def kernel_options(text: str) -> dict[str, str]:
    """A kernel's configuration: option -> y, m or n."""
    on = dict(re.findall(r"^(CONFIG_\w+)=([ym])$", text, re.M))
    return {**dict.fromkeys(re.findall(r"^# (CONFIG_\w+) is not set$", text, re.M), "n"), **on}
