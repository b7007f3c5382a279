"""`onestack volumes check`: look, judge, mend, look again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openstack.exceptions import SDKException

from onestack.core.errors import OneStackError
from onestack.core.events import Emit, Event, step
from onestack.health.volumes.judge import Fault, judge
from onestack.health.volumes.look import look
from onestack.health.volumes.mend import Mender
from onestack.platform import connect
from onestack.platform.services import _common as common
from onestack.platform.site import Site

ROUNDS = 3
"""Mending one thing may show another (a volume whose snapshot had to go first)."""


@dataclass(frozen=True)
class Finding:
    """One fault, and what came of it. `mended`: None when nothing was tried."""

    kind: str
    id: str
    name: str
    what: str
    remedy: str
    mended: bool | None = None
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value not in (None, "")}


@dataclass(frozen=True)
class Outcome:
    """`volumes`: how many were looked at. `left`: what is still untrue."""

    volumes: int
    findings: tuple[Finding, ...]
    left: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        """0 when every volume is what it says it is."""
        return 1 if self.left else 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": not self.left,
            "volumes": self.volumes,
            "findings": [each.as_dict() for each in self.findings],
            "left": [each.as_dict() for each in self.left],
        }


def check(site: Site, emit: Emit, *, mend: bool = True) -> Outcome:
    """Look at every volume, and put right what is not as it says. Must run in the cloud's network."""
    admin = connect.connection(site)
    findings: list[Finding] = []
    with step("volumes", emit) as at:
        seen = look(site, admin)
        faults = judge(seen)
        at.outcome = f"{len(seen.volumes)} looked at, {len(faults)} faults"
    if not mend:
        found = tuple(_finding(each) for each in faults)
        return Outcome(len(seen.volumes), found, found)
    tried: set[tuple[str, str, str]] = set()
    for _ in range(ROUNDS):
        fresh = [each for each in faults if (each.kind, each.id, each.what) not in tried]
        if not fresh:
            break
        mender = Mender(site, admin)
        for fault in fresh:
            tried.add((fault.kind, fault.id, fault.what))
            findings.append(_mended(mender, fault, emit))
        faults = judge(look(site, admin))
    if findings:
        _count_quotas(site, emit)
    return Outcome(len(seen.volumes), tuple(findings), tuple(_finding(each) for each in faults))


def _finding(fault: Fault, **more: Any) -> Finding:
    return Finding(fault.kind, fault.id, fault.name, fault.what, fault.remedy, **more)


def _mended(mender: Mender, fault: Fault, emit: Emit) -> Finding:
    try:
        with step(f"{fault.kind} {fault.name}", emit, fault.what) as at:
            mender.mend(fault)
            at.outcome = fault.remedy
    except (OneStackError, SDKException, OSError) as error:
        return _finding(fault, mended=False, error=str(error))
    return _finding(fault, mended=True)


def _count_quotas(site: Site, emit: Emit) -> None:
    """What was cut off may have been counted for its project, or not: count anew."""
    try:
        with step("quotas", emit, "counted anew"):
            site.inside(
                [*common.tool("cinder-manage", "quota", "sync")],
                seconds=120,
            )
    except OneStackError as error:
        emit(Event("quotas", "noted", f"could not be counted anew: {error}"))
