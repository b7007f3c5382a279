"""The console's pages: of which parts they consist, and what each part reads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from onestack.console.asking import POLLED

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Part:
    """A part of a page; its template has its name. `read`: what it shows, and by which reader; `takes`: the
    parameters of that; `seconds`: the deadline; `every`: seconds between two reads of an open page, 0: read once."""

    title: str
    read: str
    takes: tuple[str, ...] = ()
    seconds: float = 10.0
    every: int = 15


@dataclass(frozen=True)
class Page:
    """A page with a place in the menu. `template`: for one that has more than parts."""

    path: str
    title: str
    parts: tuple[str, ...] = ()
    template: str = "page.html"


PARTS: Final[Mapping[str, Part]] = {
    "health": Part("Health", "here.health", seconds=30.0, every=5),
    "capacity": Part("Capacity", "here.capacity"),
    "room": Part("Capacity of each host", "here.capacity", every=30),
    "alerts": Part("Alerts", "here.alerts"),
    "events": Part("Last events", "here.events", every=5),
    "certificates": Part("Certificates", "here.certificates", every=3600),
    "processes": Part("Processes", "here.health", seconds=30.0, every=5),
    "agents": Part("Workers", "here.agents", every=15),
    "log": Part("Log", "here.log", ("service", "q", "host"), 20.0, 0),
    "hosts": Part("Hosts", "here.hosts", seconds=30.0),
    "guests": Part("Guests", "here.guests", every=30),
    "topology": Part("Tenants' networks", "here.topology", ("tenant", "zoom"), 15.0, 30),
    "groups": Part("Scaling groups", "apis.groups", every=POLLED["apis"]["groups"]),
    "subjects": Part("Choose", "here.subjects", ("kind",), 15.0, 0),
    "why": Part("Why", "apis.why", ("kind", "word"), 45.0, 0),
    "plan": Part("Plan", "apis.plan", (), 120.0, 0),
}
PAGES: Final = (
    Page("/", "Overview", ("health", "capacity", "alerts", "events", "hosts", "certificates")),
    Page("/services", "Services", ("processes", "agents", "log"), "services.html"),
    Page("/hosts", "Hosts", ("hosts", "room", "guests")),
    Page("/topology", "Networks", ("topology",), "topology.html"),
    Page("/scaling", "Scaling", ("groups",)),
    Page("/why", "Why", (), "why.html"),
    Page("/plan", "Plan and drift", (), "plan.html"),
    Page("/tasks", "Tasks", (), "tasks.html"),
)


def environment() -> Environment:
    """The templates, which escape whatever is put in."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(duration=duration, moment=moment, words=words, size=size)
    made.tests["bad"] = lambda state: str(state).upper() in ("ERROR", "DOWN", "FATAL", "BACKOFF", "DEGRADED")
    made.globals["now"] = time.time
    made.globals["curve"] = curve
    return made


def duration(seconds: float | None) -> str:
    """Seconds in words."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def moment(at: float) -> str:
    """A Unix time as this machine's date and time."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def size(value: float, resource: str) -> str:
    """An amount of one of Placement's resources, with its unit."""
    if resource == "MEMORY_MB":
        return f"{value / 1024:.1f} GiB"
    return f"{value:.0f} GiB" if resource == "DISK_GB" else f"{value:.0f}"


def words(value: Any) -> str:
    """A field's value in a plan, shortened as the command line does."""
    text = "nothing" if value is None else " ".join(str(value).split())
    return text if len(text) <= 120 else f"{text[:119]}…"


def curve(history: list[dict[str, Any]], width: int, height: int) -> str:
    """The points of a line for SVG: a group's size over time, as steps. Empty with fewer than two decisions."""
    made = [(each["time"], each["size"]) for each in history if each["kind"] == "decision"]
    if len(made) < 2:
        return ""
    begin, end = made[0][0], made[-1][0]
    most = max(1, *(number for _, number in made))
    points: list[str] = []
    before: float | None = None
    for at, number in made:
        x = (at - begin) / max(1.0, end - begin) * width
        y = height - number / most * (height - 4) - 2
        if before is not None:
            points.append(f"{x:.1f},{before:.1f}")
        points.append(f"{x:.1f},{y:.1f}")
        before = y
    return " ".join(points)
