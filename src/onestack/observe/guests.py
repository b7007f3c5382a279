"""Guests' metrics from libvirt: parses `virsh domstats`, and computes rates between two observations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onestack.observe.observation import GuestRates

COMMAND = (
    *("virsh", "--connect", "qemu:///system", "--quiet"),
    *("domstats", "--raw", "--state", "--cpu-total", "--vcpu", "--balloon", "--interface", "--block"),
)
"""One process for all guests."""
NAMES = ("virsh", "--connect", "qemu:///system", "--quiet", "list", "--uuid", "--name")
"""Maps domains to servers: a domain's UUID is its server's id."""
_RUNNING = "1"


@dataclass(frozen=True)
class Used:
    """A guest's usage since its start. `cpu`: nanoseconds. `memory`: per cent, present value. The others: bytes."""

    cpu: int | None
    vcpus: int
    memory: float | None
    network: Mapping[str, int]
    disk: Mapping[str, int]


def servers(text: str) -> dict[str, str]:
    """Server id by domain, from `virsh list --uuid --name`."""
    rows = (line.split(maxsplit=1) for line in text.splitlines())
    return {row[1].strip(): row[0] for row in rows if len(row) == 2}


def parse(text: str) -> dict[str, Used]:
    """The usage of each running domain, by its name, from `virsh domstats --raw`."""
    return used(facts(text))


def used(domains: Mapping[str, Mapping[str, str]]) -> dict[str, Used]:
    """The usage of each running domain, by its name."""
    return {name: _used(each) for name, each in domains.items() if each.get("state.state") == _RUNNING}


def facts(text: str) -> dict[str, dict[str, str]]:
    """What `virsh domstats --raw` says of each domain, key by key."""
    found: dict[str, dict[str, str]] = {}
    now: dict[str, str] = {}
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("Domain:"):
            now = found.setdefault(line.partition("'")[2].rpartition("'")[0], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            now[key] = value
    return found


def _used(facts: Mapping[str, str]) -> Used:
    return Used(
        cpu=_number(facts, "cpu.time"),
        vcpus=_number(facts, "vcpu.current") or 1,
        memory=_memory(facts),
        network=_bytes(facts, "net", "rx.bytes", "tx.bytes"),
        disk=_bytes(facts, "block", "rd.bytes", "wr.bytes"),
    )


def _memory(facts: Mapping[str, str]) -> float | None:
    """The share of memory in use, as the guest's balloon driver reports it; QEMU's own size says nothing about the
    guest."""
    available = _number(facts, "balloon.available")
    free = _number(facts, "balloon.usable")
    if free is None:
        free = _number(facts, "balloon.unused")
    if not available or free is None:
        return None
    return max(0.0, min(100.0, 100.0 * (available - free) / available))


def _bytes(facts: Mapping[str, str], kind: str, *counters: str) -> dict[str, int]:
    """Bytes by device, so that attaching or detaching one does not change the sum."""
    found: dict[str, int] = {}
    for index in range(_number(facts, f"{kind}.count") or 0):
        values = [_number(facts, f"{kind}.{index}.{each}") for each in counters]
        # Backing files (of a snapshot) have no counters of their own.
        if known := [each for each in values if each is not None]:
            found[facts.get(f"{kind}.{index}.name", str(index))] = sum(known)
    return found


def _number(facts: Mapping[str, str], key: str) -> int | None:
    try:
        return int(facts[key])
    except (KeyError, ValueError):
        return None


def rates(before: Used | None, now: Used, seconds: float) -> GuestRates:
    """A guest's usage per second between two observations; None for a counter that decreased, since the guest
    restarted."""
    if before is None or seconds <= 0:
        return GuestRates(None, now.memory, None, None)
    cpu = None
    if before.cpu is not None and now.cpu is not None and now.cpu >= before.cpu:
        cpu = min(100.0, (now.cpu - before.cpu) / 1e9 / seconds / now.vcpus * 100)
    return GuestRates(
        cpu, now.memory, _grown(before.network, now.network, seconds), _grown(before.disk, now.disk, seconds)
    )


def _grown(before: Mapping[str, int], now: Mapping[str, int], seconds: float) -> float | None:
    both = before.keys() & now.keys()
    if not both or any(now[each] < before[each] for each in both):
        return None
    return sum(now[each] - before[each] for each in both) / seconds
