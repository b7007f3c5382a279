"""What an operator asks of healing: its status and history, what would happen, to fence and to unfence a host."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, step
from onestack.core.wait import until
from onestack.health.healing import evacuation, history, room
from onestack.health.healing.healer import ACTING, REQUESTS, RETURNING
from onestack.health.healing.history import Event
from onestack.health.healing.job import Job, Mark
from onestack.health.healing.lease import ACT, ACT_BY_FENCE
from onestack.platform import connect
from onestack.platform.infrastructure import etcd
from onestack.platform.infrastructure.lease import SERVING, healer_file
from onestack.platform.keyvalue import KeyValue
from onestack.platform.site import Site

FENCE_SECONDS = 900.0
"""How long fencing a host and moving its guests may take."""
STALE = 10.0
"""Seconds after which what a healer wrote says nothing of now."""


@dataclass(frozen=True)
class Status:
    """`healer`: the host whose healer acts. `restrained`: too many hosts look lost, so nothing is done. `hosts`: of
    each compute host its state, the seconds since its lease changed, whether it is fenced and by what proof.
    `reserve`: what `Reserve.as_dict` says of the guests there are, or with `holds` None why that is not known; None
    where it was not asked for, or the spec has none."""

    on: bool
    healer: str = ""
    restrained: bool = False
    hosts: list[dict[str, Any]] = field(default_factory=list)
    reserve: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Forecast:
    """What would happen if a host were lost. `seconds`: until the first guest serves elsewhere, by what was measured
    here; None where nothing was yet. `proof`: how the host would be proved off; empty if it could not be."""

    host: str
    proof: str
    seconds: float | None
    moved: list[str]
    left: list[dict[str, str]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Healing:
    """The healing of one cloud; to be used on its leader."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def status(self, *, reserve: bool = False) -> Status:
        """How it is now. `reserve`: and whether the reserve holds, which takes some requests for each host. Raises
        OneStackError."""
        if self._site.view.cloud.healing is None:
            return Status(False)
        client = self._client()
        marks = {name: Mark.of(kept.value) for name, kept in client.below(etcd.MARKS).items()}
        returning = client.below(RETURNING)
        acting = client.get(ACTING)
        noted = self._noted()
        hosts = []
        for each in self._site.view.hosts:
            if "compute" in each.roles:
                found = noted.get("hosts", {}).get(each.name, {})
                mark = marks.get(each.name)
                hosts.append(
                    {
                        "host": each.name,
                        "state": found.get("state", "unknown"),
                        "silent": found.get("silent"),
                        "fenced": mark is not None,
                        "proof": mark.proof if mark else "",
                        "returning": each.name in returning,
                    }
                )
        held = self._reserve() if reserve else None
        return Status(True, acting.value if acting else "", bool(noted.get("restrained")), hosts, held)

    def _reserve(self) -> dict[str, Any] | None:
        number = self._site.spec.platform.healing.reserve
        if not number:
            return None
        names = [each.name for each in self._site.view.hosts if "compute" in each.roles]
        try:
            admin = connect.connection(self._site)
            return room.of_now(admin, Job.nova(self._site), names, number).as_dict()
        except (SDKException, ClientException) as error:
            return {"hosts": number, "holds": None, "why": f"the APIs do not answer: {error}"}

    def history(self, host: str | None = None) -> list[Event]:
        """What was done, the oldest first. Raises OneStackError."""
        return history.load(self._client(), host)

    def simulate(self, host: str) -> Forecast:
        """What would happen if a host were lost now. Changes nothing. Raises BadInput, OneStackError."""
        spec = self._require_compute(host)
        healing = self._site.view.cloud.healing
        by_lease = healing is not None and healing.by_lease
        proof = f"fence agent {spec.fence.agent}" if spec.fence else "expiry of its lease" if by_lease else ""
        guests = Job.nova(self._site).guests(host)
        moved = [each.name for each in evacuation.in_order(guests)] if proof else []
        left = [{"name": each.name, "why": each.stays} for each in guests if each.stays]
        took = [
            min(one.get("answered") or one["away"] for one in each.moved) - each.silent
            for each in history.load(self._client())
            if each.kind == "lost" and each.moved
        ]
        detect = ACT_BY_FENCE if spec.fence else ACT
        seconds = round(detect + sorted(took)[len(took) // 2], 1) if took and moved else None
        return Forecast(host, proof, seconds, moved, left)

    def fence(self, host: str, emit: Emit, *, is_off: bool = False) -> Event:
        """End a host's guests, or have its power switched off, and start them elsewhere; it may not serve until it is
        unfenced. `is_off`: the operator's word that it is off. Raises BadInput, PermanentError, Unready."""
        self._require_compute(host)
        client = self._client()
        if client.get(f"{etcd.MARKS}{host}") is not None:
            raise BadInput(f"{host} is fenced", hint=f"`onestack host unfence {host}` lets it serve again")
        known = {each.ident for each in history.load(client, host)}
        proof = "an operator says that it is off" if is_off else ""
        client.put(f"{REQUESTS}{host}", json.dumps({"kind": "fence", "proof": proof}))

        def ended() -> list[Event]:
            found = history.load(client, host)
            return [each for each in found if each.ident not in known and each.ended and each.kind == "fence"]

        with step(f"fence {host}", emit) as at:
            until(
                f"{host} to be fenced",
                lambda: (bool(ended()), "it is under way"),
                seconds=FENCE_SECONDS,
                every=0.5,
                where=self._site.here.log(etcd.HEALER),
            )
            found = ended()[0]
            if not found.proof:
                raise PermanentError(
                    f"{host} was not fenced",
                    detail=found.outcome,
                    hint="`--off`, once you have switched it off",
                )
            at.outcome = found.outcome
        return found

    def unfence(self, host: str, emit: Emit) -> None:
        """Let a host serve again once it renews its lease. Raises BadInput, Unready."""
        self._require_compute(host)
        client = self._client()
        mark = client.get(f"{etcd.MARKS}{host}")
        if mark is None:
            raise BadInput(f"{host} is not fenced", hint="`onestack healing status` says which hosts are")
        client.put(f"{REQUESTS}{host}", json.dumps({"kind": "unfence"}))

        def poll() -> tuple[bool, str]:
            kept = client.get(f"{etcd.MARKS}{host}")
            return kept is None or not Mark.of(kept.value).ordered, "the healer has not heard of it"

        with step(f"unfence {host}", emit) as at:
            until(
                f"{host} to be unfenced", poll, seconds=60, every=0.5, where=self._site.here.log(etcd.HEALER)
            )
            at.outcome = "it serves once it renews its lease"

    def is_serving(self, host: str) -> bool:
        """Whether a host is neither fenced nor on its way back."""
        return any(
            each["host"] == host and each["state"] == SERVING and not each["fenced"] and not each["returning"]
            for each in self.status().hosts
        )

    def _noted(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(healer_file(self._site.paths).read_text())
        except (OSError, ValueError):
            return {}
        return found if time.time() - float(found["time"]) < STALE else {}

    def _client(self) -> KeyValue:
        self._site.require_leader()
        if self._site.view.cloud.healing is None:
            raise BadInput(
                "this cloud has no healing",
                hint="platform.healing: {hosts: evacuate} in the spec, and several hosts",
            )
        return etcd.client(self._site, etcd.HEALER)

    def _require_compute(self, name: str) -> Any:
        for each in self._site.spec.hosts:
            if each.name == name and "compute" in each.roles:
                return each
        there = ", ".join(each.name for each in self._site.spec.hosts if "compute" in each.roles)
        raise BadInput(f"there is no compute host '{name}'", hint=f"there are {there or 'none'}")
