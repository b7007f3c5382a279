"""Watches the HAProxies: brings back one that died, tells Octavia how members are and what listeners did."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from onestack_runtime.drivers.balancer import balancer, control, haproxy, health, statistics, store
from onestack_runtime.drivers.balancer.places import Place

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""Between two looks whether each HAProxy lives."""
HEALTH_EVERY = 2
STATISTICS_EVERY = 10
"""In looks."""
SILENT_LOOKS = 20
"""How often in a row a HAProxy may not answer before it is started anew."""


@dataclass
class _Watched:
    place: Place
    shape: health.Shape
    counts: statistics.Statistics
    lock: threading.Lock = field(default_factory=threading.Lock)
    silent: int = 0
    again: float = 0.0


class Watch:
    """All balancers of this host that have been made."""

    def __init__(self, reports: store.Reports, ended: threading.Event) -> None:
        self._reports = reports
        self._ended = ended
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}

    def see(self, lb: Any, serving: bool) -> None:
        """Watch a balancer from now on, as it is now."""
        place = Place(lb.id)
        with self._lock:
            there = self._watched.get(lb.id)
            counts = there.counts if there else statistics.Statistics(place.counted)
            self._watched[lb.id] = _Watched(place, health.shape(lb, serving), counts)

    def forget(self, ident: str) -> None:
        """Watch it no longer."""
        with self._lock:
            self._watched.pop(ident, None)

    def run(self) -> None:
        """Look until the process ends."""
        looks = 0
        while not self._ended.wait(LOOK_SECONDS):
            looks += 1
            with self._lock:
                watched = dict(self._watched)
            for ident, each in watched.items():
                try:
                    self._look(ident, each, looks)
                except Exception as error:
                    if not self._current(ident, each):
                        # It changed or went away under our eyes.
                        continue
                    LOG.warning("balancer %s is not watched well: %s: %s", ident, type(error).__name__, error)

    def _look(self, ident: str, each: _Watched, looks: int) -> None:
        if each.shape.serving and haproxy.master(each.place) is None:
            self._revive(ident, each)
            return
        if looks % HEALTH_EVERY == 0:
            self._health(ident, each)
        if looks % STATISTICS_EVERY == 0 and each.shape.serving:
            self._count(each)
            balancer.sweep(each.place)

    def _revive(self, ident: str, each: _Watched) -> None:
        if time.monotonic() < each.again:
            return
        with balancer.held(each.place):
            # Whoever held it before may have changed it, or taken it away.
            if not self._still(ident, each) or haproxy.master(each.place) is not None:
                return
            LOG.warning("the HAProxy of balancer %s has ended: started again", ident)
            each.again = time.monotonic() + 1.0
            balancer.revive(each.place)

    def _still(self, ident: str, each: _Watched) -> bool:
        return self._current(ident, each) and each.place.config.exists()

    def _health(self, ident: str, each: _Watched) -> None:
        rows: list[dict[str, str]] = []
        if each.shape.serving:
            try:
                rows = control.statistics(control.ask(each.place.socket, "show stat"))
                each.silent = 0
            except OSError as error:
                self._silent(ident, each, error)
                return
        now = health.statuses(ident, each.shape, rows)
        if not self._current(ident, each):
            return
        if update := health.news(each.shape.known, now):
            self._reports.status(update)
            for kind, statuses in now.items():
                each.shape.known.setdefault(kind, {}).update(statuses)

    def _current(self, ident: str, each: _Watched) -> bool:
        with self._lock:
            return self._watched.get(ident) is each

    def _silent(self, ident: str, each: _Watched, error: OSError) -> None:
        each.silent += 1
        if each.silent < SILENT_LOOKS:
            return
        each.silent = 0
        LOG.error("the HAProxy of balancer %s keeps silent (%s): started anew", ident, error)
        with balancer.held(each.place):
            if self._still(ident, each):
                balancer.revive(each.place)

    def _count(self, each: _Watched) -> None:
        master = each.place.master
        counted = {}
        for pid in statistics.workers(control.ask(master, "show proc", last=True)):
            rows = control.statistics(control.ask(master, f"@!{pid} show stat", last=True))
            counted[pid] = statistics.frontends(rows)
        each.counts.see(counted)
        if listeners := each.counts.report(each.shape.listeners):
            self._reports.statistics(listeners)
