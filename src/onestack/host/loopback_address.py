"""An address that several hosts have on their loopback interface, while one of them has it on its NIC, too.

Connections of a host's own processes to such an address always end on this host, and remain when another host gets
the address. Without it they would come from the address itself: once that is gone, the kernel can send nothing for
them, and their programs wait a quarter of an hour for it to give up.

A host must not answer ARP requests for an address that it has on its loopback interface alone. Its NIC's setting
`arp_ignore` says so; its former value is recorded, so that it can be restored. IPv6 needs no such setting.
Source: Documentation/networking/ip-sysctl.rst of Linux.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from onestack.host import network
from onestack.host.command import run

LOOPBACK = "lo"
SETTINGS = Path("/proc/sys/net/ipv4/conf")
BOOT = Path("/proc/sys/kernel/random/boot_id")
_ARP_IGNORE = "arp_ignore"


@dataclass(frozen=True)
class Before:
    """The settings before: `arp_ignore` by interface. Those of an earlier boot are void."""

    boot: str
    arp_ignore: dict[str, str]


def add(address: str, interface: str, record: Path, enter: Sequence[str] = (), boot: Path = BOOT) -> None:
    """Give the loopback interface the address. Idempotent. `interface`: the NIC that has it on one of the hosts.
    `record`: the file for the former settings. `enter`: the beginning of a command line that enters the network."""
    prefix = ipaddress.ip_address(address).max_prefixlen
    if prefix == ipaddress.IPV4LENGTH:
        setting = SETTINGS / interface / _ARP_IGNORE
        now = run([*enter, "cat", str(setting)]).strip()
        before = _read(record)
        if before is None or before.boot != boot.read_text().strip():
            before = Before(boot.read_text().strip(), {})
        if interface not in before.arp_ignore:
            before.arp_ignore[interface] = now
            record.write_text(json.dumps(asdict(before)))
        if now == "0":
            run([*enter, "tee", str(setting)], text_in="1")
    # Of the host's scope: no other connection takes it as its source.
    run([*enter, "ip", "address", "replace", f"{address}/{prefix}", "dev", LOOPBACK, "scope", "host"])


def remove(address: str, record: Path, settings: Path = SETTINGS, boot: Path = BOOT) -> None:
    """Remove the address from all interfaces of the calling thread's network, and restore the settings.
    Idempotent."""
    network.drop_address(address)
    before = _read(record)
    if before and before.boot == boot.read_text().strip():
        for interface, value in before.arp_ignore.items():
            if (setting := settings / interface / _ARP_IGNORE).exists():
                setting.write_text(value)
    record.unlink(missing_ok=True)


def _read(record: Path) -> Before | None:
    try:
        return Before(**json.loads(record.read_text()))
    except FileNotFoundError:
        return None
