"""Images that other tenants may use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onestack.workloads.kind.ownership import KEY
from onestack.workloads.kind.session import Collector, Session
from onestack.workloads.kind.sharing import Sharing


class ImageMembers(Sharing):
    name, service = "image member", "image"
    ends = ("image", "tenant")
    shares, among = "images", "members"

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        images = collector.all("image", "/images", "images")
        wanted = {one.path[-2] for one in collector.wanted if one.kind == self.name}
        ours = [
            raw["id"]
            for raw in images
            if raw["visibility"] == "shared" and (KEY in raw or collector.everything or raw["name"] in wanted)
        ]
        lists = collector.each(
            ours, lambda image: collector.all("image", f"/images/{image}/members", "members")
        )
        for image, members in zip(ours, lists, strict=True):
            yield from ({"what": image, "tenant": member["member_id"]} for member in members)

    def link(self, session: Session, *ids: str) -> None:
        rest = session.rest(self.service)
        rest.post(f"/images/{ids[0]}/members", {"member": ids[1]})
        # Without it the image is missing from the tenant's list until somebody there accepts.
        rest.put(f"/images/{ids[0]}/members/{ids[1]}", {"status": "accepted"})

    def unlink(self, session: Session, *ids: str) -> None:
        session.rest(self.service).delete(f"/images/{ids[0]}/members/{ids[1]}")
