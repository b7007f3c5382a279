"""`onestack volumes check`: collects, diagnoses and repairs, until nothing new is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openstack.exceptions import SDKException

from onestack.core.errors import BadInput, OneStackError
from onestack.core.events import Emit, Event, step
from onestack.health.volumes.collect import collect
from onestack.health.volumes.diagnose import Fault, diagnose
from onestack.health.volumes.repair import Repairer
from onestack.platform import connect
from onestack.platform.services import _common as common
from onestack.platform.site import Site

ROUNDS = 3
"""A repair may reveal another fault (of a volume whose snapshot had to be deleted first)."""


@dataclass(frozen=True)
class Finding:
    """One fault and its repair. `repaired`: None if no repair was tried."""

    kind: str
    id: str
    name: str
    what: str
    remedy: str
    repaired: bool | None = None
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        # In the JSON form, which programs read, it is called `mended`.
        renamed = {"mended" if key == "repaired" else key: value for key, value in vars(self).items()}
        return {key: value for key, value in renamed.items() if value not in (None, "")}


@dataclass(frozen=True)
class Outcome:
    """`volumes`: how many were checked. `left`: what is still inconsistent."""

    volumes: int
    findings: tuple[Finding, ...]
    left: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        """0 when every volume is consistent."""
        return 1 if self.left else 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": not self.left,
            "volumes": self.volumes,
            "findings": [each.as_dict() for each in self.findings],
            "left": [each.as_dict() for each in self.left],
        }


def check(site: Site, emit: Emit, *, repair: bool = True) -> Outcome:
    """Check every volume, and repair what is inconsistent. Must run in the cloud's network.

    Raises BadInput in a cloud without block storage.
    """
    if "block-storage" not in site.view.cloud.services:
        raise BadInput("this cloud has no block storage", hint="platform.services in the spec")
    admin = connect.connection(site)
    findings: list[Finding] = []
    with step("volumes", emit) as at:
        observed = collect(site, admin)
        faults = diagnose(observed)
        at.outcome = f"{len(observed.volumes)} checked, {len(faults)} faults"
    if not repair:
        found = tuple(_finding(each) for each in faults)
        return Outcome(len(observed.volumes), found, found)
    tried: set[tuple[str, str, str]] = set()
    for _ in range(ROUNDS):
        fresh = [each for each in faults if (each.kind, each.id, each.what) not in tried]
        if not fresh:
            break
        repairer = Repairer(site, admin)
        for fault in fresh:
            tried.add((fault.kind, fault.id, fault.what))
            findings.append(_repaired(repairer, fault, emit))
        faults = diagnose(collect(site, admin))
    if findings:
        _sync_quotas(site, emit)
    return Outcome(len(observed.volumes), tuple(findings), tuple(_finding(each) for each in faults))


def _finding(fault: Fault, **more: Any) -> Finding:
    return Finding(fault.kind, fault.id, fault.name, fault.what, fault.remedy, **more)


def _repaired(repairer: Repairer, fault: Fault, emit: Emit) -> Finding:
    try:
        with step(f"{fault.kind} {fault.name}", emit, fault.what) as at:
            repairer.repair(fault)
            at.outcome = fault.remedy
    except (OneStackError, SDKException, OSError) as error:
        return _finding(fault, repaired=False, error=str(error))
    return _finding(fault, repaired=True)


def _sync_quotas(site: Site, emit: Emit) -> None:
    """Recompute Cinder's quota usage: interrupted operations may have left it wrong."""
    try:
        with step("quotas", emit, "recompute usage"):
            site.leader.inside(
                [*common.tool("cinder-manage", "quota", "sync")],
                seconds=120,
            )
    except OneStackError as error:
        emit(Event("quotas", "noted", f"quota usage could not be recomputed: {error}"))
