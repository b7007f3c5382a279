"""What only the cloud's own hosts may connect to on this host: one nftables table of the cloud's own.

It drops packets for the ports of the cloud that come from elsewhere, and decides nothing about any other packet: the
machine's own firewall stays as it is. nft is the base's, run from outside (see `nat`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

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


def rules(
    name: str,
    address: str,
    hosts: Iterable[str],
    tcp: Sequence[str],
    udp: Sequence[str],
    only: Mapping[str, str] | None = None,
) -> str:
    """The table in nft's language; it replaces an existing one.

    `address`: this host's. `hosts`: the addresses that may connect. `tcp`, `udp`: ports and ranges (5900-5999).
    `only`: TCP ports to which one host alone may connect, with its address.
    """
    family = "ip6" if ":" in address else "ip"
    friends = sorted({address, *(each for each in hosts if (":" in each) == (":" in address))})

    def others_than(friends: Sequence[str]) -> str:
        return f"{family} daddr {address} {family} saddr != {{ {', '.join(friends)} }}"

    strangers = others_than(friends)
    lines = [
        f"{strangers} tcp dport {{ {', '.join(tcp)} }} drop",
        f"{strangers} udp dport {{ {', '.join(udp)} }} drop",
        *(
            f"{others_than(sorted({address, host}))} tcp dport {port} drop"
            for port, host in (only or {}).items()
        ),
    ]
    body = "".join(f"        {line}\n" for line in lines)
    return f"""\
{nat.deletion("inet", name)}table inet {name} {{
    chain input {{
        type filter hook input priority filter; policy accept;
{body}    }}
}}
"""


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
