"""What happened in a cloud last: what the keeper restarted, what scaling groups did, what operators did here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from onestack.autoscaling.autoscaler import journal
from onestack.console import audit
from onestack.core.errors import BadInput, OneStackError
from onestack.core.paths import Paths
from onestack.health import logs
from onestack.health.healing import history
from onestack.platform.infrastructure import etcd
from onestack.platform.site import Site

LAST = 20
_KEEPER = re.compile(r"^\S+ \S+ (WARNING|ERROR) (.*)$")


def recent(paths: Paths, site: Site | None = None, last: int = LAST) -> list[dict[str, Any]]:
    """The last events, newest first: time (Unix), source, text, level. `site`: where there may be healing, too."""
    healed = _healing(site) if site is not None else ()
    found = [*_keeper(paths), *_scaling(paths, last), *_operators(paths, last), *healed]
    return sorted(found, key=lambda each: float(each["time"]), reverse=True)[:last]


def _keeper(paths: Paths) -> Iterator[dict[str, Any]]:
    try:
        lines = logs.recent(paths.log, "keeper", None, 200)
    except BadInput:
        return
    for _, line in lines:
        written = logs.stamp(line)
        if written and (said := _KEEPER.match(line)):
            level = "bad" if said[1] == "ERROR" else "warn"
            yield {"time": written.timestamp(), "source": "keeper", "text": said[2], "level": level}


def _scaling(paths: Paths, last: int) -> Iterator[dict[str, Any]]:
    folder = paths.log / "scaling"
    for file in folder.glob("*.jsonl") if folder.is_dir() else ():
        if file.name.endswith(".1.jsonl"):
            continue
        for each in journal.read(file, last * 5):
            if text := _words(each):
                level = "bad" if each.get("failed") else "good"
                yield {"time": each["time"], "source": "scaling", "text": text, "level": level}


def _words(entry: dict[str, Any]) -> str:
    if entry["kind"] == "decision":
        if entry.get("action") == "hold":
            return ""
        return f"{entry.get('group', '')}: {entry['size']} to {entry['to']} members"
    if entry["kind"] == "action":
        failed = f" failed: {entry['failed']}" if entry.get("failed") else ""
        return f"{entry['verb']} {entry['member']}{failed}"
    return f"{entry['kind']}: {entry.get('why', '')}"


def _healing(site: Site) -> Iterable[dict[str, Any]]:
    """What the healer did; nothing where etcd does not answer, which the health says."""
    if site.view.cloud.healing is None or not site.leads:
        return ()
    try:
        return healed(history.load(etcd.client(site, etcd.HEALER)))
    except OneStackError:
        return ()


def healed(found: Iterable[history.Event]) -> Iterator[dict[str, Any]]:
    """The healer's events as the others are. One that goes on is as old as its begin."""
    for each in found:
        what = f"{each.host}: {each.kind}" if each.host else each.kind
        counts = {"moved": each.moved, "not moved": [*each.failed, *each.left]}
        words = [f"{len(guests)} guests {way}" for way, guests in counts.items() if guests]
        text = "; ".join(filter(None, [what, each.outcome, *words]))
        level = "bad" if each.failed or each.ended is None else "warn"
        yield {"time": each.ended or each.began, "source": "healing", "text": text, "level": level}


def _operators(paths: Paths, last: int) -> Iterator[dict[str, Any]]:
    for each in audit.read(paths, last):
        about = f" {each['about']}" if each.get("about") else ""
        text = f"{each['who']}: {each['kind']}{about}"
        yield {"time": each["time"], "source": "console", "text": text, "level": ""}
