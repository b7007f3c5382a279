"""What only the cloud's own hosts may connect to on this host: one nftables table of the cloud's own.

It drops packets for the ports of the cloud that come from elsewhere, and decides nothing about any other packet: the
machine's own firewall stays as it is. nft is the base's, run from outside (see `nat`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from onestack.core.paths import Paths
from onestack.host import nat
from onestack.host.command import run
from onestack.host.machine.interface import File
from onestack.host.machine.local import write


def table(paths: Paths) -> str:
    """The name of a cloud's table (family `inet`), unique on this machine."""
    return f"{nat.table(paths)}-hosts"


def record(paths: Paths) -> Path:
    """The file with the folder of the base whose nft made the table; it is there as long as the table may be."""
    return paths.lib / "firewall"


@dataclass(frozen=True)
class Ports:
    """Ports and ranges (5900-5999) that only some addresses may connect to. `everywhere`: on whatever address of this
    host, where a program listens on all."""

    protocol: Literal["tcp", "udp"]
    ports: Sequence[str]
    hosts: Sequence[str]
    everywhere: bool = False


def rules(name: str, address: str, closed: Sequence[Ports]) -> str:
    """The table in nft's language; it replaces an existing one. `address`: this host's."""
    lines = "".join(f"        {_rule(address, each)}\n" for each in closed if each.ports)
    return f"""\
{nat.deletion("inet", name)}table inet {name} {{
    chain input {{
        type filter hook input priority filter; policy accept;
{lines}    }}
}}
"""


def _rule(address: str, closed: Ports) -> str:
    family = "ip6" if ":" in address else "ip"
    friends = sorted({address, *(each for each in closed.hosts if (":" in each) == (":" in address))})
    here = 'iifname != "lo" ' if closed.everywhere else f"{family} daddr {address} "
    strangers = f"{here}{family} saddr != {{ {', '.join(friends)} }}"
    return f"{strangers} {closed.protocol} dport {{ {', '.join(closed.ports)} }} drop"


def switch_on(paths: Paths, base: Path, text: str) -> None:
    """Have the table with these `rules`. Idempotent. Raises PermanentError."""
    write(record(paths), File(str(base).encode(), 0o600))
    run([*nat.nft(base), "-f", "-"], text_in=text)


def switch_off(paths: Paths) -> None:
    """Remove the table; harmless where there is none."""
    kept = record(paths)
    if not kept.exists():
        return
    run([*nat.nft(Path(kept.read_text())), "-f", "-"], text_in=nat.deletion("inet", table(paths)))
    kept.unlink()
