"""A tenant's networks as a picture and as a list: networks are bars, what is at them and routers are boxes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from onestack.core.svg import INK, LINE, PALETTE, PAPER, QUIET, WARNING, Drawing
from onestack.observe.topology import Network, Station, Topology

WIDTH = 1000.0
"""Of the picture, in its own units; a page shows it at any size."""
MARGIN, GAP = 20.0, 14.0
BOX, HIGH, BAR = 150.0, 46.0, 24.0
LANE, LANES = 10.0, 30
"""Between two vertical lines, which are left of everything else; and how many there are side by side."""
SHOWN = 24
"""How many boxes a network has at most; the others are counted."""
_LETTERS = 22
"""Of a name in a box."""
_BLUE, _ORANGE, _GREEN, _PINK = PALETTE[:4]
_BAD = ("ERROR", "DOWN", "OFFLINE", "DEGRADED")
ZOOMS = ("50", "100", "150", "200", "300")
"""In per cent of the page's width."""


def shown(topology: Topology, tenant: str = "", zoom: str = "") -> dict[str, Any]:
    """What the page shows of a tenant; of the first one with routers, or else with networks, if none is named."""
    tenants = topology.tenants
    routed = [each.tenant for each in topology.routers]
    chosen = tenant if tenant in tenants else next(iter(sorted(routed) or tenants), "")
    found = topology.of(chosen)
    rows = [
        {
            "name": each.name or each.id,
            "cidrs": each.cidrs,
            "routers": [
                one.name or one.id for one in found.routers if each.id in (one.external, *one.networks)
            ],
            "stations": [asdict(one) for one in found.stations if each.id in (one.network, *one.others)],
        }
        for each in found.networks
    ]
    return {
        "tenants": tenants,
        "tenant": chosen,
        "zooms": ZOOMS,
        "zoom": zoom if zoom in ZOOMS else "100",
        "picture": draw(found, f"The networks of {chosen}"),
        "rows": rows,
        "more": topology.more,
    }


def draw(topology: Topology, title: str) -> str:
    """The picture, as SVG."""
    return _Picture(topology, title).text()


class _Picture:
    """Places things from the top down: external networks, routers, then each network with what is at it."""

    def __init__(self, topology: Topology, title: str) -> None:
        self._topology, self._title = topology, title
        self._bars: dict[str, float] = {}
        self._places: dict[str, tuple[float, float]] = {}
        self._y = MARGIN
        links = sum(bool(each.external) + len(each.networks) for each in topology.routers)
        links += sum(len(each.others) for each in topology.stations)
        self._lanes, self._used = min(links, LANES), 0
        self._left = MARGIN + LANE * (self._lanes + 2)
        self._columns = max(1, int((WIDTH - self._left - MARGIN + GAP) // (BOX + GAP)))

    def text(self) -> str:
        at = self._by_network()
        outer = [each for each in self._topology.networks if each.external]
        inner = [each for each in self._topology.networks if not each.external]
        # Done twice: how high it is, and from where to where lines go, is known only when all is placed; and lines
        # are beneath all else.
        for _ in range(2):
            self._drawing = Drawing(WIDTH, self._y + MARGIN, self._title)
            self._y = MARGIN
            self._lines()
            for network in outer:
                self._bar(network, _ORANGE)
                self._boxes(at.get(network.id, ()))
            self._routers()
            for network in inner:
                self._bar(network, _BLUE)
                self._boxes(at.get(network.id, ()))
        return str(self._drawing)

    def _by_network(self) -> Mapping[str, list[Station]]:
        found: dict[str, list[Station]] = {}
        for each in self._topology.stations:
            found.setdefault(each.network, []).append(each)
        return found

    def _bar(self, network: Network, colour: str) -> None:
        words = " ".join(filter(None, [network.name or network.id, network.cidrs]))
        if network.tenant:
            words += f" ({network.tenant})"
        self._bars[network.id] = self._y
        self._drawing.rect(MARGIN, self._y, WIDTH - 2 * MARGIN, 4, colour, hint=words)
        self._drawing.text(self._left, self._y + 18, words, 13)
        self._y += BAR + 4

    def _boxes(self, stations: Iterable[Station]) -> None:
        listed = list(stations)
        for index, each in enumerate(listed[:SHOWN]):
            row, column = divmod(index, self._columns)
            x, y = self._left + column * (BOX + GAP), self._y + row * (HIGH + GAP)
            self._places[each.id] = x, y
            self._drawing.line(x + BOX / 2, y - GAP / 2, x + BOX / 2, y, LINE)
            colour = _PINK if each.kind == "balancer" else _GREEN
            words = ", ".join(filter(None, [each.address, each.floating]))
            self._box(x, y, each.name or each.id, words, each.status, colour, each.kind)
        rows = -(-min(len(listed), SHOWN) // self._columns)
        self._y += rows * (HIGH + GAP)
        if len(listed) > SHOWN:
            self._drawing.text(self._left, self._y + 10, f"and {len(listed) - SHOWN} more", 12, QUIET)
            self._y += BAR
        self._y += GAP

    def _routers(self) -> None:
        for index, each in enumerate(self._topology.routers):
            row, column = divmod(index, self._columns)
            x, y = self._left + column * (BOX + GAP), self._y + row * (HIGH + GAP)
            self._places[each.id] = x, y
            self._box(x, y, each.name or each.id, each.address, each.status, _ORANGE, "router")
        rows = -(-len(self._topology.routers) // self._columns)
        self._y += rows * (HIGH + GAP) + (GAP if rows else 0)

    def _box(self, x: float, y: float, name: str, words: str, status: str, colour: str, kind: str) -> None:
        bad = status.upper() in _BAD
        hint = f"{kind} {name}: {status}"
        self._drawing.rect(
            x, y, BOX, HIGH, PAPER, hint=hint, rx=6, stroke=WARNING if bad else colour, stroke_width=2
        )
        self._drawing.text(x + 8, y + 18, _short(name), 12, INK)
        self._drawing.text(
            x + 8, y + 35, _short(status if bad else words or kind), 11, WARNING if bad else QUIET
        )

    def _lines(self) -> None:
        """From routers, and from what is at several networks, to the networks' bars."""
        self._used = 0
        for each in self._topology.routers:
            for network in filter(None, (each.external, *each.networks)):
                self._joined(each.id, network, _ORANGE if network == each.external else _BLUE)
        for station in self._topology.stations:
            for network in station.others:
                self._joined(station.id, network, _GREEN)

    def _joined(self, box: str, network: str, colour: str) -> None:
        """A line from a box to a network's bar, through a lane of its own left of all boxes."""
        place, bar = self._places.get(box), self._bars.get(network)
        if place is None or bar is None:
            return
        x, y = place
        lane = MARGIN + LANE * (1 + self._used % self._lanes)
        level = y + HIGH / 2 + (self._used % 5 - 2) * 4
        self._used += 1
        self._drawing.path(
            [(x, level), (lane, level), (lane, bar + 2)], stroke=colour, fill="none", stroke_width=1.5
        )
        self._drawing.rect(lane - 3, bar - 1, 6, 6, colour)


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
