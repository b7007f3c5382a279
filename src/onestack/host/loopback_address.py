"""An address that several hosts have on their loopback interface, while one of them has it on its NIC, too.

Connections of a host's own processes to such an address always end on this host, and remain when another host gets
the address. Without it they would come from the address itself: once that is gone, the kernel can send nothing for
them, and their programs wait a quarter of an hour for it to give up.

A host must not answer ARP requests for an address that it has on its loopback interface alone. The kernel's setting
`arp_ignore` says so: for all interfaces, since a NIC that is a port of Open vSwitch on the userspace datapath still
answers for its host. The former value is recorded, so that it can be restored. IPv6 needs no such setting.
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
from onestack.host.files import replace_private

LOOPBACK = "lo"
SETTING = Path("/proc/sys/net/ipv4/conf/all/arp_ignore")
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Before:
    """The setting as it was before; that of an earlier boot is void."""

    boot: str
    arp_ignore: str


def add(address: str, record: Path, enter: Sequence[str] = (), boot: Path = BOOT) -> None:
    """Give the loopback interface the address. Idempotent. `record`: the file for the former setting. `enter`: the
    beginning of a command line that enters the network."""
    prefix = ipaddress.ip_address(address).max_prefixlen
    if prefix == ipaddress.IPV4LENGTH:
        now, started = run([*enter, "cat", str(SETTING)]).strip(), boot.read_text().strip()
        before = _read(record)
        if before is None or before.boot != started:
            replace_private(record, json.dumps(asdict(Before(started, now))))
        if now == "0":
            run([*enter, "tee", str(SETTING)], text_in="1")
    # Of the host's scope: no other connection takes it as its source.
    run([*enter, "ip", "address", "replace", f"{address}/{prefix}", "dev", LOOPBACK, "scope", "host"])


def remove(address: str, record: Path, setting: Path = SETTING, boot: Path = BOOT) -> None:
    """Remove the address from all interfaces of the calling thread's network, and restore the setting.
    Idempotent."""
    network.drop_address(address)
    before = _read(record)
    if before and before.boot == boot.read_text().strip():
        setting.write_text(before.arp_ignore)
    record.unlink(missing_ok=True)


def _read(record: Path) -> Before | None:
    try:
        return Before(**json.loads(record.read_text()))
    except FileNotFoundError:
        return None
