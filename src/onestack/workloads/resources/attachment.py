"""Volumes attached to servers. What a server starts from is part of the server, and not among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from onestack.core import wait
from onestack.workloads.kind.base import READY_SECONDS
from onestack.workloads.kind.link import Link
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Hands, Look, Names
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address

_ROOT = ("/dev/vda", "/dev/sda")


class Attachments(Link):
    """One goes with its server: a guest that does not answer, because it hangs or has no system, is asked for
    minutes to let its volume go, and may be deleted at once."""

    name, service = "volume attachment", "block-storage"
    after = ("snapshot",)
    ends = ("server", "volume")

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for server, place in scope.items("servers"):
            for volume in server.volumes:
                here = Address("server", (*scope.path, server.name))
                yield self.tied(here, scope.named("volume", volume).address, place=place)

    def found(self, look: Look) -> Iterable[dict[str, Any]]:
        for raw in look.all(self.service, "/volumes/detail", "volumes", all_tenants="1"):
            for at in raw["attachments"]:
                if at.get("server_id") and at.get("device") not in _ROOT:
                    yield {"server": at["server_id"], "volume": raw["id"]}

    def observe(self, raw: dict[str, Any], names: Names) -> Observed | None:
        there = self.between(names, raw["server"], raw["volume"])
        if there is None:
            return None
        # While a volume is attached Nova takes part in deleting its snapshots: first the one, then the other.
        snapshots = names.naming("snapshot", "volume_id", there.needs[1])
        return replace(there, needs=(*there.needs, *snapshots))

    def tie(self, hands: Hands, *ids: str) -> None:
        path = f"/servers/{ids[0]}/os-volume_attachments"
        hands.rest("compute").post(path, {"volumeAttachment": {"volumeId": ids[1]}})
        self._until(hands, ids[1], "in-use")

    def untie(self, hands: Hands, *ids: str) -> None:
        hands.rest("compute").delete(f"/servers/{ids[0]}/os-volume_attachments/{ids[1]}")
        self._until(hands, ids[1], "available")

    def _until(self, hands: Hands, volume: str, status: str) -> None:
        def look() -> tuple[bool, str]:
            seen = str(hands.rest(self.service).get(f"/volumes/{volume}")["volume"]["status"])
            return seen == status, seen

        wait.until(f"volume {volume} to be {status}", look, seconds=READY_SECONDS, every=0.5)
