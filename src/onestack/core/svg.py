"""Draws SVG: the few shapes that the pictures need. The colours are Okabe and Ito's, which are distinguishable with
any colour vision; text uses the reader's font."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7a6fb0")
INK, QUIET, LINE, PAPER, WARNING = "#1f2933", "#6b7785", "#d5dbe1", "#ffffff", "#d32f2f"
FONT = "Inter, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"


@dataclass
class Drawing:
    """A picture of `width` x `height`; shapes are drawn in the order in which they are added."""

    width: float
    height: float
    title: str = ""
    _root: ET.Element = field(init=False)

    def __post_init__(self) -> None:
        size = {"width": _n(self.width), "height": _n(self.height)}
        box = {"viewBox": f"0 0 {size['width']} {size['height']}"}
        self._root = ET.Element(
            "svg", {"xmlns": "http://www.w3.org/2000/svg", **size, **box, "font-family": FONT, "role": "img"}
        )
        if self.title:
            ET.SubElement(self._root, "title").text = self.title
        self.rect(0, 0, self.width, self.height, PAPER)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        hint: str = "",
        **more: str | float,
    ) -> None:
        """`hint`: a tooltip. Further arguments are SVG attributes, with `_` for `-`."""
        made = self._add("rect", x=x, y=y, width=max(width, 0), height=max(height, 0), fill=fill, **more)
        if hint:
            ET.SubElement(made, "title").text = hint

    def line(
        self, x1: float, y1: float, x2: float, y2: float, stroke: str = LINE, **more: str | float
    ) -> None:
        self._add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, **more)

    def path(
        self, points: Iterable[tuple[float, float]], *, close: bool = False, **more: str | float
    ) -> None:
        """A line through the points; with `close`, an area."""
        words = " L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._add("path", d=f"M{words}{' Z' if close else ''}", **more)

    def text(
        self, x: float, y: float, words: str, size: float = 12, fill: str = INK, **more: str | float
    ) -> None:
        self._add("text", x=x, y=y, font_size=size, fill=fill, **more).text = words

    def __str__(self) -> str:
        return ET.tostring(self._root, encoding="unicode") + "\n"

    def _add(self, kind: str, **attributes: str | float) -> ET.Element:
        named = {
            key.replace("_", "-"): value if isinstance(value, str) else _n(value)
            for key, value in attributes.items()
        }
        return ET.SubElement(self._root, kind, named)


def _n(number: float) -> str:
    """A number, rounded to what is visible."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def ticks(top: float, number: int = 5) -> list[float]:
    """Round values from 0 to at least `top`, about `number` of them."""
    if top <= 0:
        return [0.0, 1.0]
    raw = top / number
    size = 10.0 ** len(str(int(raw))) / 10 if raw >= 1 else 10.0 ** -len(f"{1 / raw:.0f}")
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20, 50, 100) if size * factor >= raw)
    return [step * index for index in range(int(-(-top // step)) + 1)]
