"""Checks whether a guest reaches outside networks: the machine's default gateway, and the guest's DNS servers.

Nothing beyond them is tested. If the machine itself does not reach them, that is reported, but is not a failure; if
the machine does and its guests do not, it is one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from onestack.core.errors import OneStackError, PermanentError
from onestack.health.verify import guest
from onestack.health.verify.report import Recorder
from onestack.host import egress, nat
from onestack.platform.site import Site

ASK = "ONESTACK_VERIFY_OUTSIDE"
"""An environment variable: with 0, nothing outside of this machine is contacted."""
STEP = "outbound access"
REPORT = "onestack-outside.txt"
"""The page on which the first guest publishes what it reached."""

# The query for the root's name servers: every DNS server can answer it, and it reveals nothing.
_TRIES = """
for folder in /var/www /srv/www; do [ ! -d $folder ] || break; done
{{
    echo "servers=$(sed -n 's/^nameserver //p' /etc/resolv.conf | tr '\\n' ',')"
    for server in $(sed -n 's/^nameserver //p' /etc/resolv.conf); do
        case "$(timeout 10 nslookup -timeout=2 -type=ns . "$server" 2>&1)" in
        *Server:*) echo "answered=$server"; break ;;
        esac
    done
    ! ping -c 3 -W 2 {gateway} >/dev/null 2>&1 || echo "gateway={gateway}"
    echo "tried=yes"
}} >$folder/{report}.new 2>/dev/null
mv $folder/{report}.new $folder/{report}
"""


@dataclass(frozen=True)
class Outside:
    """What can be reached. `obstacles`: what blocks guests, in words. `reached_here`: whether the gateway answers
    the machine."""

    gateway: str
    obstacles: tuple[str, ...]
    reached_here: Callable[[], bool]


def collect(site: Site) -> Outside:
    """Collect the default gateway and DNS servers of the cloud's network; the calling thread is in it."""
    if os.environ.get(ASK) == "0":
        return Outside("", (f"not tried, since {ASK} is 0",), lambda: False)
    outer = site.view.cloud.external
    if outer.routed_outside:
        return Outside(outer.gateway, (), partial(_reached, site, outer.gateway))
    try:
        observed = egress.collect(site.leader.layout.base, nat.table(site.paths))
    except PermanentError as error:
        return Outside("", (str(error.summary),), lambda: False)
    obstacles = egress.obstacles(observed, wanted=outer.nat)
    if not obstacles and not observed.gateway:
        obstacles = [f"the default route through {observed.interface} has no gateway to try"]
    return Outside(observed.gateway, tuple(obstacles), partial(_reached, site, observed.gateway))


def _reached(site: Site, gateway: str) -> bool:
    try:
        site.leader.inside(["ping", "-c", "3", "-W", "2", gateway], seconds=20)
    except OneStackError:
        return False
    return True


def tries(outside: Outside | None) -> str:
    """The part of the first guest's user data that makes the attempts; empty if there is nothing to reach."""
    if outside is None or outside.obstacles:
        return ""
    return _TRIES.format(gateway=outside.gateway, report=REPORT)


def check_outside(record: Recorder, outside: Outside | None, ask: Callable[[str, str], str]) -> None:
    """Report whether the first guest reached the outside. `ask(page, what)` returns one of its pages."""
    if outside is None:
        return
    if outside.obstacles:
        record.leave_out(STEP, f"guests do not reach the outside: {'; '.join(outside.obstacles)}")
        return
    with record.check(STEP, hint="onestack doctor; docs/troubleshoot.md") as at:
        observed = guest.facts(ask(REPORT, "the guest to report what it reached outside"))
        servers = observed.get("servers", "").strip(",")
        found = []
        if gateway := observed.get("gateway"):
            found.append(f"the gateway {gateway} answers")
        if server := observed.get("answered"):
            found.append(f"the DNS server {server} answers")
        elif found:
            found.append(f"no answer from DNS ({servers})" if servers else "no DNS server was handed out")
        if not found and outside.reached_here():
            raise PermanentError(
                f"the guest does not reach {outside.gateway}, which this machine reaches",
                hint="see: onestack doctor; nft list ruleset",
            )
        tried = " and ".join(filter(None, [outside.gateway, servers]))
        at.outcome = (
            ", ".join(found)
            or f"not reached: no answer from {tried}, which this machine has none from either"
        )
