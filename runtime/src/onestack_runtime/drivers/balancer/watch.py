"""Monitors the HAProxies: restarts those that died, reports members' health and listeners' statistics to Octavia."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from onestack_runtime.drivers.balancer import balancer, control, haproxy, health, statistics, store
from onestack_runtime.drivers.balancer.places import Place

LOG = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""Seconds between two checks whether each HAProxy runs."""
HEALTH_EVERY = 2
"""Polls between two reports of members' health."""
STATISTICS_EVERY = 10
"""Polls between two reports of listeners' statistics."""
UNANSWERED_POLLS = 20
"""A HAProxy is restarted after this many unanswered health checks."""


@dataclass
class _Watched:
    place: Place
    shape: health.Shape
    counts: statistics.Statistics
    lock: threading.Lock = field(default_factory=threading.Lock)
    unanswered: int = 0
    not_before: float = 0.0


class Watch:
    """The monitor of all balancers on this host."""

    def __init__(self, reports: store.Reports, ended: threading.Event) -> None:
        self._reports = reports
        self._ended = ended
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}

    def add(self, lb: Any, serving: bool) -> None:
        """Watch a balancer from now on, with its present listeners and pools."""
        place = Place(lb.id)
        with self._lock:
            current = self._watched.get(lb.id)
            counts = current.counts if current else statistics.Statistics(place.statistics)
            self._watched[lb.id] = _Watched(place, health.shape(lb, serving), counts)

    def remove(self, ident: str) -> None:
        """Stop watching a balancer."""
        with self._lock:
            self._watched.pop(ident, None)

    def run(self) -> None:
        """Poll all balancers until the process ends."""
        polls = 0
        while not self._ended.wait(POLL_SECONDS):
            polls += 1
            with self._lock:
                watched = dict(self._watched)
            for ident, each in watched.items():
                try:
                    self._poll(ident, each, polls)
                except Exception as error:
                    if not self._current(ident, each):
                        # It was changed or deleted meanwhile.
                        continue
                    LOG.warning(
                        "balancer %s could not be checked: %s: %s", ident, type(error).__name__, error
                    )

    def _poll(self, ident: str, each: _Watched, polls: int) -> None:
        if each.shape.serving and haproxy.master(each.place) is None:
            self._restart_ended(ident, each)
            return
        if polls % HEALTH_EVERY == 0:
            self._health(ident, each)
        if polls % STATISTICS_EVERY == 0 and each.shape.serving:
            self._count(each)
            balancer.delete_drained(each.place)

    def _restart_ended(self, ident: str, each: _Watched) -> None:
        if time.monotonic() < each.not_before:
            return
        with balancer.locked(each.place):
            # The previous holder of the lock may have changed or deleted it.
            if not self._still_configured(ident, each) or haproxy.master(each.place) is not None:
                return
            LOG.warning("the HAProxy of balancer %s has ended: restarting it", ident)
            each.not_before = time.monotonic() + 1.0
            balancer.restart(each.place)

    def _still_configured(self, ident: str, each: _Watched) -> bool:
        return self._current(ident, each) and each.place.config.exists()

    def _health(self, ident: str, each: _Watched) -> None:
        rows: list[dict[str, str]] = []
        if each.shape.serving:
            try:
                rows = control.statistics(control.execute(each.place.socket, "show stat"))
                each.unanswered = 0
            except OSError as error:
                self._not_answering(ident, each, error)
                return
        now = health.statuses(ident, each.shape, rows)
        if not self._current(ident, each):
            return
        if update := health.changes(each.shape.known, now):
            self._reports.status(update)
            for kind, statuses in now.items():
                each.shape.known.setdefault(kind, {}).update(statuses)

    def _current(self, ident: str, each: _Watched) -> bool:
        with self._lock:
            return self._watched.get(ident) is each

    def _not_answering(self, ident: str, each: _Watched, error: OSError) -> None:
        each.unanswered += 1
        if each.unanswered < UNANSWERED_POLLS:
            return
        each.unanswered = 0
        LOG.error("the HAProxy of balancer %s does not answer (%s): restarting it", ident, error)
        with balancer.locked(each.place):
            if self._still_configured(ident, each):
                balancer.restart(each.place)

    def _count(self, each: _Watched) -> None:
        master = each.place.master
        counted = {}
        for pid in statistics.workers(control.execute(master, "show proc", last=True)):
            rows = control.statistics(control.execute(master, f"@!{pid} show stat", last=True))
            counted[pid] = statistics.frontends(rows)
        each.counts.update(counted)
        if listeners := each.counts.report(each.shape.listeners):
            self._reports.statistics(listeners)
