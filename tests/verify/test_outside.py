"""What a guest reached outside is said; a machine without an outside is no failure."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from onestack.core.errors import PermanentError
from onestack.core.events import silent
from onestack.health.verify import guest
from onestack.health.verify.outside import ASK, REPORT, Outside, check_outside, collect, tries
from onestack.health.verify.report import Recorder, Report
from onestack.host import egress
from onestack.platform import outside as ways
from onestack.platform.site import Site
from onestack.platform.view import External

GATEWAY = "198.51.100.1"


def checked(outside: Outside | None, page: str = "") -> Report:
    record = Recorder(silent)

    def ask(name: str, what: str) -> str:
        assert name == REPORT
        assert outside and not outside.obstacles
        return page

    check_outside(record, outside, ask)
    return record.report()


def an_outside(*obstacles: str, reached_here: bool = True) -> Outside:
    return Outside(GATEWAY, obstacles, lambda: reached_here)


def site(*, routed_outside: bool) -> Site:
    """A cloud with an external network, which nobody brings up."""
    outer = External("192.0.2.0/24", "192.0.2.1", "192.0.2.9", "192.0.2.99", "eth1", False, routed_outside)
    return cast("Site", SimpleNamespace(view=SimpleNamespace(cloud=SimpleNamespace(external=outer))))


def test_with_a_router_outside_guests_are_to_reach_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ASK, raising=False)
    found = collect(site(routed_outside=True))
    assert (found.gateway, found.obstacles) == ("192.0.2.1", ())
    assert "ping -c 3 -W 2 192.0.2.1" in tries(found)


def test_without_a_route_to_a_router_outside_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(egress, "way", lambda address: bool(asked.append(address)))
    with pytest.raises(PermanentError, match="no route to the floating IPs in 192") as raised:
        ways.require_way(site(routed_outside=True))
    assert "ip route add 192.0.2.0/24 via" in raised.value.hint
    ways.require_way(site(routed_outside=False))
    assert asked == ["192.0.2.9"]


def test_without_a_way_out_nothing_is_tried_and_why_is_said() -> None:
    outside = an_outside("there is no default route", "it rains")
    assert tries(outside) == tries(None) == ""
    report = checked(outside)
    assert report.left_out == (
        "outbound access: guests do not reach the outside: there is no default route; it rains",
    )
    assert not report.steps
    assert not checked(None).left_out


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            f"servers=192.0.2.53, answered=192.0.2.53 gateway={GATEWAY} tried=yes",
            f"the gateway {GATEWAY} answers, the DNS server 192.0.2.53 answers",
        ),
        ("servers=192.0.2.53, answered=192.0.2.53 tried=yes", "the DNS server 192.0.2.53 answers"),
        (f"servers= gateway={GATEWAY}", f"the gateway {GATEWAY} answers, no DNS server was handed out"),
        (
            f"servers=192.0.2.53,192.0.2.54, gateway={GATEWAY}",
            f"the gateway {GATEWAY} answers, no answer from DNS (192.0.2.53,192.0.2.54)",
        ),
    ],
)
def test_what_the_guest_reached_is_said(page: str, said: str) -> None:
    (step,) = checked(an_outside(), page).steps
    assert (step.ok, step.outcome) == (True, said)


def test_an_outside_that_the_machine_does_not_reach_either_is_no_failure() -> None:
    (step,) = checked(an_outside(reached_here=False), "servers=192.0.2.53, tried=yes").steps
    assert step.ok
    assert step.outcome.startswith(f"not reached: no answer from {GATEWAY} and 192.0.2.53")


def test_an_outside_that_only_the_machine_reaches_is_a_failure() -> None:
    (step,) = checked(an_outside(), "servers=192.0.2.53, tried=yes").steps
    assert not step.ok
    assert step.error is not None
    assert step.error["error"] == f"the guest does not reach {GATEWAY}, which this machine reaches"


@pytest.mark.parametrize(
    ("answers", "ping", "found"),
    [
        ("Server: 192.0.2.54", 0, {"answered": "192.0.2.53", "gateway": GATEWAY}),
        (";; connection timed out; no servers could be reached", 1, {}),
        ("sh: nslookup: not found", 0, {"gateway": GATEWAY}),
    ],
)
def test_the_guest_says_what_answered(tmp_path: Path, answers: str, ping: int, found: dict[str, str]) -> None:
    tools, web = tmp_path / "bin", tmp_path / "www"
    tools.mkdir()
    web.mkdir()
    for name, text in {"nslookup": f"echo '{answers}'", "ping": f"exit {ping}"}.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("search x\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n")
    script = tries(an_outside()).replace("/var/www /srv/www", f"{tmp_path}/none {web}")
    script = script.replace("/etc/resolv.conf", str(resolv))
    subprocess.run(
        ["/bin/sh", "-c", script], env={"PATH": f"{tools}:{os.environ['PATH']}"}, check=True, timeout=60
    )
    page = guest.facts((web / REPORT).read_text())
    assert page == {"servers": "192.0.2.53,192.0.2.54,", "tried": "yes", **found}
