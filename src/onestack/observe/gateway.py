"""Finds the services with requests in flight, from the API gateway's counters."""

from __future__ import annotations

from onestack.observe import balancers
from onestack.observe.collect import statistics
from onestack.platform.infrastructure.gateway import ADMIN_SOCKET, CONSOLE
from onestack.platform.site import Site

# A console's connection stays open while it is watched; guests' metadata requests change nothing.
_OTHERS = (CONSOLE, "metadata", "nowhere")


def in_flight(site: Site) -> set[str]:
    """The APIs with requests in flight, including those whose client has disconnected. Raises OSError."""
    return parse(statistics(site.leader.outside(ADMIN_SOCKET)))


def parse(text: str) -> set[str]:
    """The same, from HAProxy's statistics."""
    return {
        row["pxname"]
        for row in balancers.table(text)
        if row["svname"] == balancers.BACKEND and row["pxname"] not in _OTHERS and int(row["scur"] or 0)
    }
