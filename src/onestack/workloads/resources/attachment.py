"""Volumes attached to servers. A server's boot volume is part of the server, and not included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from onestack.core import wait
from onestack.workloads.kind.base import READY_SECONDS
from onestack.workloads.kind.link import Link
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address

ROOT = ("/dev/vda", "/dev/sda")


class Attachments(Link):
    """An attachment is deleted with its server: detaching first would take minutes if the guest does not answer."""

    name, service = "volume attachment", "block-storage"
    after = ("snapshot",)
    ends = ("server", "volume")

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for server, place in scope.items("servers"):
            for volume in server.volumes:
                here = Address("server", (*scope.path, server.name))
                yield self.linked(here, scope.named("volume", volume).address, place=place)

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        for raw in collector.all(self.service, "/volumes/detail", "volumes", all_tenants="1"):
            for at in raw["attachments"]:
                if at.get("server_id") and at.get("device") not in ROOT:
                    yield {"server": at["server_id"], "volume": raw["id"]}

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        observed = self.between(index, raw["server"], raw["volume"])
        if observed is None:
            return None
        # Nova takes part in deleting snapshots of an attached volume: snapshots first, then the attachment.
        snapshots = index.naming("snapshot", "volume_id", observed.needs[1])
        return replace(observed, needs=(*observed.needs, *snapshots))

    def link(self, session: Session, *ids: str) -> None:
        path = f"/servers/{ids[0]}/os-volume_attachments"
        session.rest("compute").post(path, {"volumeAttachment": {"volumeId": ids[1]}})
        self._until(session, ids[1], "in-use")

    def unlink(self, session: Session, *ids: str) -> None:
        session.rest("compute").delete(f"/servers/{ids[0]}/os-volume_attachments/{ids[1]}")
        self._until(session, ids[1], "available")

    def _until(self, session: Session, volume: str, status: str) -> None:
        def poll() -> tuple[bool, str]:
            status_now = str(session.rest(self.service).get(f"/volumes/{volume}")["volume"]["status"])
            return status_now == status, status_now

        wait.until(f"volume {volume} to be {status}", poll, seconds=READY_SECONDS, every=0.5)
