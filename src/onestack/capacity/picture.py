"""Draws the report: each host is a tile, with its servers in their tenants' colours.

A server's height is its share of the host's scarcest resource, so the empty part of a tile is what is still free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from onestack.capacity.model import RESOURCES, Host, Server, shares
from onestack.capacity.report import Report
from onestack.core.svg import INK, LINE, PALETTE, QUIET, WARNING, Drawing

MARGIN, GAP, HEAD, LEGEND = 28.0, 10.0, 92.0, 30.0
TILE_WIDTH, TILE_HEIGHT, LABEL = 76.0, 84.0, 16.0
BARS = 3 * 18.0 + 14
OTHERS = "#9aa5b1"
# How many hosts are drawn at most: with more, the tiles would be too small to read.
DRAWN = 240


def draw(report: Report) -> str:
    """The picture as SVG."""
    hosts = list(report.hosts)[:DRAWN]
    columns = min(max(math.ceil(math.sqrt(len(hosts) * 1.7)), 8), 20)
    rows = math.ceil(len(hosts) / columns)
    width = 2 * MARGIN + columns * (TILE_WIDTH + GAP) - GAP
    tiles = rows * (TILE_HEIGHT + LABEL + GAP)
    legend_rows = math.ceil(len(_legend(report)) / max(int((width - 2 * MARGIN) // 150), 1))
    height = HEAD + BARS + tiles + legend_rows * LEGEND + MARGIN
    drawing = Drawing(width, height, "Hosts and tenants")
    colours = {tenant: _colour(index) for index, tenant in enumerate(report.classic.tenants)}
    _head(drawing, report)
    _bars(drawing, report, width)
    for index, host in enumerate(hosts):
        x = MARGIN + index % columns * (TILE_WIDTH + GAP)
        y = HEAD + BARS + index // columns * (TILE_HEIGHT + LABEL + GAP)
        content = (report.placement or {}).get(host.name, ())
        lost = bool(report.loss and not report.loss.survives and host.name in report.loss.example)
        _tile(drawing, host, content, colours, (x, y), lost)
    _key(drawing, report, colours, HEAD + BARS + tiles, width)
    return str(drawing)


def _colour(index: int) -> str:
    return PALETTE[index] if index < len(PALETTE) else OTHERS


def _head(drawing: Drawing, report: Report) -> None:
    verdict = {
        "fits": "It fits",
        "cannot fit": "It cannot fit",
        "no placement found": "No placement was found",
    }
    good = report.ok
    words = verdict[report.verdict]
    if report.loss and report.verdict == "fits":
        hosts = f"{report.loss.hosts} host" + ("s" if report.loss.hosts > 1 else "")
        words += f", also after the loss of any {hosts}" if good else f", but not after every loss of {hosts}"
    drawing.text(MARGIN, 42, words, 22, INK if good else WARNING, font_weight="600")
    figures = report.classic
    per_host = f"{figures.load:.3g} per host" if figures.hosts else "no host"
    subtitle = (
        f"{figures.nodes} servers of {len(figures.tenants)} tenants on {figures.hosts} hosts: {per_host}"
    )
    if report.enough and report.enough.found is not None:
        subtitle += f"; {report.enough.found} would be enough, bottleneck: {report.enough.binds or 'none'}"
    if not good:
        subtitle = report.why_not()
    drawing.text(MARGIN, 66, subtitle, 13, QUIET)


def _bars(drawing: Drawing, report: Report, width: float) -> None:
    """The requested share of each resource of all hosts."""
    left, right = MARGIN + 100, width - MARGIN - 56
    for index, (name, share) in enumerate(zip(RESOURCES, shares(report.asked, report.room), strict=True)):
        y = HEAD - 8 + index * 18
        drawing.text(MARGIN, y + 9, name, 11, QUIET)
        drawing.rect(left, y, right - left, 10, "#eef1f4", rx=3)
        colour = WARNING if share > 1 else "#4a6fa5"
        drawing.rect(left, y, (right - left) * min(share, 1), 10, colour, rx=3)
        drawing.text(right + 8, y + 9, f"{share:.0%}" if math.isfinite(share) else "none", 11, INK)


def _tile(
    drawing: Drawing,
    host: Host,
    content: Sequence[Server],
    colours: dict[str, str],
    at: tuple[float, float],
    lost: bool,
) -> None:
    x, y = at
    edge = WARNING if lost else LINE
    drawing.rect(x, y, TILE_WIDTH, TILE_HEIGHT, "#f7f9fb", stroke=edge, stroke_width=2 if lost else 1, rx=4)
    bottom, inner = y + TILE_HEIGHT - 2, TILE_HEIGHT - 4
    totals = [
        sum(shares(server.amount, host.capacity)[r] for server in content) for r in range(len(RESOURCES))
    ]
    binds = totals.index(max(totals))
    for server in content:
        height = shares(server.amount, host.capacity)[binds] * inner
        bottom -= height
        gap = min(1.0, height / 4)
        drawing.rect(
            x + 2, bottom + gap / 2, TILE_WIDTH - 4, height - gap, colours[server.tenant],
            rx=min(2.0, height / 4), hint=f"{server.tenant}/{server.name} on {host.name}",
        )  # fmt: skip
    label = host.name if len(host.name) <= 11 else f"…{host.name[-10:]}"
    drawing.text(
        x + TILE_WIDTH / 2, y + TILE_HEIGHT + 12, label, 10, WARNING if lost else QUIET, text_anchor="middle"
    )


def _legend(report: Report) -> list[tuple[str, int]]:
    tenants = list(report.classic.tenants.items())
    if len(tenants) <= len(PALETTE):
        return tenants
    rest = tenants[len(PALETTE) :]
    return [*tenants[: len(PALETTE)], (f"{len(rest)} more tenants", sum(number for _, number in rest))]


def _key(drawing: Drawing, report: Report, colours: dict[str, str], top: float, width: float) -> None:
    columns = max(int((width - 2 * MARGIN) // 150), 1)
    for index, (tenant, number) in enumerate(_legend(report)):
        x, y = MARGIN + index % columns * 150, top + 8 + index // columns * LEGEND
        drawing.rect(x, y, 12, 12, colours.get(tenant, OTHERS), rx=2)
        drawing.text(x + 18, y + 10.5, f"{tenant[:14]}  {number}", 12)
    if len(report.hosts) > DRAWN:
        drawing.text(
            width - MARGIN,
            42,
            f"{DRAWN} of {len(report.hosts)} hosts are drawn",
            12,
            QUIET,
            text_anchor="end",
        )
