"""Draws demand, supply and violations over time: one panel for each rule or period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from onestack.autoscaling.simulation.simulate import TICK, Run
from onestack.core.svg import INK, QUIET, WARNING, Drawing, ticks

WIDTH, PANEL, MARGIN, LEFT, HEAD, GAP = 1080.0, 150.0, 28.0, 64.0, 84.0, 52.0
# Columns of a panel; finer than a pixel is not visible.
COLUMNS = 960
SUPPLY, SPARE, DEMAND = "#0072b2", "#d6e6f2", INK


@dataclass(frozen=True)
class Panel:
    """A run from `first` to `last` seconds, with a heading."""

    run: Run
    title: str
    first: float
    last: float


@dataclass(frozen=True)
class _Column:
    """The extremes of the values in a column of the picture; `share`: the share of its time with too few members."""

    demand: int
    supply: int
    lacking: int
    share: float


def draw(panels: Sequence[Panel], title: str, subtitle: str = "") -> str:
    """The picture as SVG. All panels have the same scale of members."""
    height = HEAD + len(panels) * (PANEL + GAP) + MARGIN / 2
    drawing = Drawing(WIDTH, height, title)
    drawing.text(MARGIN, 40, title, 22, INK, font_weight="600")
    drawing.text(MARGIN, 62, subtitle, 13, QUIET)
    _key(drawing)
    columns = [_columns(panel) for panel in panels]
    top = max((max(each.demand, each.supply) for panel in columns for each in panel), default=1)
    scale = ticks(top, 4)
    for index, (panel, found) in enumerate(zip(panels, columns, strict=True)):
        _panel(drawing, panel, found, HEAD + 22 + index * (PANEL + GAP), scale)
    return str(drawing)


def worst_day(run: Run, first: float = 0.0) -> float:
    """The start, in seconds from `first`, of the day with the largest shortage (members times seconds)."""
    lacking: dict[int, int] = {}
    for tick in range(int(first // TICK), len(run.demand)):
        missing = run.demand[tick] - run.supply[tick]
        if missing > 0:
            day = int(tick * TICK // 86400)
            lacking[day] = lacking.get(day, 0) + missing
    return max(lacking, key=lambda day: lacking[day], default=int(first // 86400)) * 86400.0


def _columns(panel: Panel) -> list[_Column]:
    one, two = int(panel.first // TICK), min(int(panel.last // TICK), len(panel.run.demand))
    number = max(min(COLUMNS, two - one), 1)
    found = []
    for column in range(number):
        begin = one + (two - one) * column // number
        end = max(one + (two - one) * (column + 1) // number, begin + 1)
        demand, supply = panel.run.demand[begin:end], panel.run.supply[begin:end]
        lacking = [d - s for d, s in zip(demand, supply, strict=True) if d > s]
        share = len(lacking) / len(demand)
        found.append(_Column(max(demand), max(supply), max(lacking, default=0), share))
    return found


def _key(drawing: Drawing) -> None:
    x = WIDTH - MARGIN - 330
    for words, colour, width in (
        ("demand", DEMAND, 80),
        ("supply", SUPPLY, 76),
        ("spare", SPARE, 70),
        ("lacking", WARNING, 0),
    ):
        drawing.rect(x, 31, 12, 12, colour, rx=2)
        drawing.text(x + 18, 41.5, words, 12)
        x += width + 10


def _panel(drawing: Drawing, panel: Panel, columns: list[_Column], y: float, scale: list[float]) -> None:
    left, right, bottom = LEFT, WIDTH - MARGIN, y + PANEL
    drawing.text(left, y - 8, panel.title, 13, INK, font_weight="600")
    for value in scale:
        at = bottom - value / scale[-1] * PANEL
        drawing.line(left, at, right, at)
        drawing.text(left - 8, at + 4, f"{value:g}", 11, QUIET, text_anchor="end")
    wide = (right - left) / len(columns)

    def points(values: Sequence[float]) -> list[tuple[float, float]]:
        """A staircase: a point at each end of a step."""
        made: list[tuple[float, float]] = []
        for index, value in enumerate(values):
            at = bottom - value / scale[-1] * PANEL
            if made and made[-1][1] == at:
                made.pop()
            else:
                made.append((left + index * wide, at))
            made.append((left + (index + 1) * wide, at))
        return made

    supply = points([each.supply for each in columns])
    drawing.path([(left, bottom), *supply, (right, bottom)], close=True, fill=SPARE)
    drawing.path(supply, fill="none", stroke=SUPPLY, stroke_width=1.2)
    drawing.path(points([each.demand for each in columns]), fill="none", stroke=DEMAND, stroke_width=1)
    for index, each in enumerate(columns):
        if each.lacking:
            tall = each.lacking / scale[-1] * PANEL
            opacity = 0.15 + 0.75 * each.share  # the longer the shortage, the redder
            high = bottom - each.demand / scale[-1] * PANEL
            drawing.rect(left + index * wide, high, max(wide, 1.2), tall, WARNING, fill_opacity=opacity)
    _times(drawing, panel, bottom)


def _times(drawing: Drawing, panel: Panel, bottom: float) -> None:
    last = min(panel.last, len(panel.run.demand) * TICK)
    long = last - panel.first > 3 * 86400
    for index in range(7):
        second = panel.first + (last - panel.first) * index / 6
        moment = datetime.fromtimestamp(panel.run.trace.start + second, UTC)
        # A trace whose time starts at 0 has no date.
        dated = panel.run.trace.start > 86400
        words = (
            f"{moment:%d %b}"
            if dated and long
            else f"day {second / 86400:.0f}"
            if long
            else f"{moment:%H:%M}"
        )
        anchor = "start" if index == 0 else "end" if index == 6 else "middle"
        x = LEFT + (WIDTH - MARGIN - LEFT) * index / 6
        drawing.text(x, bottom + 15, words, 11, QUIET, text_anchor=anchor)
