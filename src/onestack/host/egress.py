"""Finds out whether guests can reach outside networks from this network namespace, and what blocks them. Changes
nothing.

The machine's own firewalls are not changed; one that drops forwarded packets is reported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onestack.core.errors import PermanentError
from onestack.host import nat
from onestack.host.command import run, succeeds
from onestack.host.network import HERE

_DROPPING = ("drop", "reject")


@dataclass(frozen=True)
class Egress:
    """`gateway`, `interface`: of the default route, empty without one. `translated`: whether the cloud's table
    exists.

    `closed_by`: chains of other tables that drop forwarded packets, in words.
    """

    gateway: str
    interface: str
    forwarding: bool
    translated: bool
    closed_by: tuple[str, ...] = ()


def collect(base: Path, table: str) -> Egress:
    """Read the state of the calling thread's network namespace. Raises PermanentError."""
    routes = json.loads(run(["ip", "-json", "-4", "route", "show", "default"]) or "[]")
    first: dict[str, Any] = routes[0] if routes else {}
    listed = _ruleset(base)
    return Egress(
        gateway=str(first.get("gateway", "")),
        interface=str(first.get("dev", "")),
        forwarding=(nat.SETTINGS / nat.FORWARD).read_text().strip() != "0",
        translated=any(each.get("table", {}).get("name") == table for each in listed),
        closed_by=(*dropping_chains(listed), *_dropping_in_legacy(base)),
    )


def way(address: str) -> bool:
    """Whether the calling thread's network namespace has a route to an address."""
    return succeeds(["ip", "-4", "route", "get", address])


def obstacles(egress: Egress, *, wanted: bool) -> list[str]:
    """Why guests do not reach outside networks, in words. `wanted`: whether the spec wants NAT."""
    found = []
    if not egress.interface:
        found.append("there is no default route")
    if not wanted:
        found.append("platform.network.external.nat is off")
    elif not egress.translated:
        found.append("the cloud's nftables table is gone (`onestack up` brings it back)")
    if not egress.forwarding:
        found.append("IPv4 forwarding is off" + (" (`onestack up` switches it on)" if wanted else ""))
    return found + [f"{chain} drops forwarded packets" for chain in egress.closed_by]


def closed_by(base: Path) -> tuple[str, ...]:
    """The firewall chains that block guests' traffic; empty also if they cannot be read."""
    try:
        return (*dropping_chains(_ruleset(base)), *_dropping_in_legacy(base))
    except PermanentError:
        return ()


def advice(closed: Sequence[str]) -> str:
    """What to do about chains that drop forwarded packets."""
    if not closed:
        return ""
    return f"let the firewall accept packets from {HERE}, and replies to them (docs/operate.md has the rules)"


def _ruleset(base: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(run([*nat.program(base, "nft"), "-j", "list", "ruleset"]))[
        "nftables"
    ]
    return listed


def dropping_chains(listed: list[dict[str, Any]]) -> Iterator[str]:
    """The chains that drop forwarded packets which no earlier rule accepts, from `nft -j list ruleset`.

    A table that accepts anything from the external network's interface was adapted for it, and counts as open.
    """
    rules = [each["rule"] for each in listed if "rule" in each]
    for chain in (each["chain"] for each in listed if "chain" in each):
        place = (chain["family"], chain["table"])
        if chain.get("hook") != "forward" or chain["family"] not in ("ip", "inet"):
            continue
        same_table = [rule for rule in rules if (rule["family"], rule["table"]) == place]
        own = [rule for rule in same_table if rule["chain"] == chain["name"]]
        dropped = chain.get("policy") == "drop" or bool(own and _drops_all(own[-1]))
        if dropped and not any(_accepts_external(rule) for rule in same_table):
            yield f"the firewall's table {chain['family']} {chain['table']}, chain {chain['name']},"


def _drops_all(rule: dict[str, Any]) -> bool:
    """Whether a rule drops all packets."""
    verdicts = [key for part in rule.get("expr", []) for key in part]
    return bool(set(verdicts) & set(_DROPPING)) and "match" not in verdicts


def _accepts_external(rule: dict[str, Any]) -> bool:
    parts = rule.get("expr", [])
    matched = [part["match"] for part in parts if "match" in part]
    ours = any(
        match["left"].get("meta", {}).get("key") in ("iifname", "iif") and HERE in json.dumps(match["right"])
        for match in matched
        if isinstance(match["left"], dict)
    )
    return ours and any("accept" in part for part in parts)


def _dropping_in_legacy(base: Path) -> Iterator[str]:
    """The same for legacy iptables, whose tables nft does not see; read only if the kernel has them."""
    names = Path("/proc/thread-self/net/ip_tables_names")
    if not names.exists() or "filter" not in names.read_text().split():
        return
    argv = [*nat.program(base, "iptables-legacy"), "-S", "FORWARD"]
    plugins = {"XTABLES_LIBDIR": f"{base}/usr/lib/x86_64-linux-gnu/xtables"}
    try:
        rules = run(argv, environment=plugins)
    except PermanentError:
        return
    if "-P FORWARD DROP" in rules and f"-i {HERE}" not in rules:
        yield "the firewall's table filter of iptables-legacy, chain FORWARD,"
