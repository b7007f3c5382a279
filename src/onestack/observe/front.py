"""What the services of a cloud are asked at this moment: the front counts it."""

from __future__ import annotations

from onestack.observe import balancers
from onestack.observe.collect import ask
from onestack.platform.infrastructure.gateway import ADMIN_SOCKET, CONSOLE
from onestack.platform.site import Site

# A console lasts as long as somebody looks at it; guests' questions change nothing.
_OTHERS = (CONSOLE, "metadata", "nowhere")


def in_work(site: Site) -> set[str]:
    """The APIs that have not answered all they were asked, also by clients that are gone. Raises OSError."""
    return parse(ask(site.outside(ADMIN_SOCKET)))


def parse(text: str) -> set[str]:
    """The same, of what HAProxy says of itself."""
    return {
        row["pxname"]
        for row in balancers.table(text)
        if row["svname"] == balancers.BACKEND and row["pxname"] not in _OTHERS and int(row["scur"] or 0)
    }
