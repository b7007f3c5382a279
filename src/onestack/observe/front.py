"""What the services of a cloud are asked at this moment: the front counts it."""

from __future__ import annotations

from onestack.observe import balancers
from onestack.observe.collect import ask
from onestack.platform.parts.front import ADMIN_SOCKET, CONSOLE
from onestack.platform.site import Site


def in_work(site: Site) -> dict[str, int]:
    """How many requests each API has and has not answered yet, also of clients that are gone. Raises OSError."""
    rows = balancers.table(ask(site.outside(ADMIN_SOCKET)))
    return {
        row["pxname"]: int(row["scur"] or 0)
        for row in rows
        # A console lasts as long as somebody looks at it.
        if row["svname"] == balancers.BACKEND and row["pxname"] not in (CONSOLE, "metadata", "nowhere")
    }
