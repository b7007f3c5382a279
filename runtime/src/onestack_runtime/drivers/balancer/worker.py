"""The provider's worker: finds what is under way in the database, does it, and watches what it made.

It acts on what is there and not on messages: a change that a process died over is found by the next one. What
fails is tried again; given up only after GIVE_UP_SECONDS, and then the balancer is in ERROR, never PENDING_*.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from onestack_runtime.drivers.balancer import balancer, graph, haproxy, network, places, plug, store
from onestack_runtime.drivers.balancer.places import Place
from onestack_runtime.drivers.balancer.wake import WAKE
from onestack_runtime.drivers.balancer.watch import Watch
from onestack_runtime.serving.commands import Failed

LOG = logging.getLogger(__name__)

WORKERS = 4
IDLE_SECONDS = 2.0
SOON_SECONDS = (0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.8)
"""The delay from a call of the driver to reading the database: the API commits a moment after the call."""
GIVE_UP_SECONDS = 120.0
PURGE_SECONDS = 600.0


@dataclass
class _Trouble:
    """A balancer that could not be made. Times: seconds, monotonic."""

    since: float
    again: float
    tries: int = 1


class Worker:
    """Threads: one finds work, several do it, one watches."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="balancer")
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._unfinished: set[str] = set()
        self._trouble: dict[str, _Trouble] = {}
        self._network = network.Network()
        self._reports = store.Reports()
        self._watch = Watch(self._reports, self._ended)

    def start(self) -> None:
        """Find everything again, and begin. Raises when the database does not answer."""
        living = store.living()
        haproxy.install()
        with self._lock:
            self._unfinished |= set(living)
        known = {Place(each).name for each in living}
        for place in places.all_on_disk():
            if place.name not in known:
                self._remove_leftover(place)
        for name in set(plug.namespaces()) - known:
            LOG.warning("network namespace %s is of no balancer: removed", name)
            plug.unplug(Place(name.removeprefix(places.PREFIX)))
        for name, body in (("balancers", self._run), ("balancer watch", self._watch.run)):
            threading.Thread(target=body, name=name, daemon=True).start()

    def stop(self) -> None:
        """Let what is being done end; the HAProxies go on."""
        self._ended.set()
        WAKE.up()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _remove_leftover(self, place: Place) -> None:
        LOG.warning("balancer %s is not in the database: removed", place.id)
        with balancer.locked(place):
            balancer.remove(place)

    def _run(self) -> None:
        purged = time.monotonic()
        while not self._ended.is_set():
            called = WAKE.wait(IDLE_SECONDS)
            for pause in SOON_SECONDS if called else (0.0,):
                if self._ended.wait(pause) or self._look():
                    break
            if time.monotonic() - purged > PURGE_SECONDS:
                purged = time.monotonic()
                self._attempt_purge()

    @staticmethod
    def _attempt_purge() -> None:
        try:
            store.purge()
        except Exception:
            LOG.exception("rows of deleted balancers were not removed")

    def _look(self) -> bool:
        """Begin all that is to be done; whether anything was."""
        try:
            wanted = set(store.pending())
        except Exception as error:
            LOG.warning("the database does not answer: %s", error)
            return False
        now = time.monotonic()
        begun = False
        with self._lock:
            wanted |= self._unfinished
            for each in wanted - self._busy:
                trouble = self._trouble.get(each)
                if trouble and now < trouble.again:
                    continue
                self._busy.add(each)
                self._pool.submit(self._work, each)
                begun = True
        return begun

    def _work(self, ident: str) -> None:
        began = time.monotonic()
        try:
            with balancer.locked(Place(ident)):
                self._one(ident)
        except Exception as error:
            self._failed(ident, began, error)
        else:
            with self._lock:
                self._trouble.pop(ident, None)
                self._unfinished.discard(ident)
        finally:
            with self._lock:
                self._busy.discard(ident)
            WAKE.up()

    def _one(self, ident: str) -> None:
        lb = store.load(ident)
        if lb is None or lb.provisioning_status in graph.DELETE:
            self._watch.forget(ident)
        retry = WAKE.take(ident)
        try:
            settle(lb, ident, self._network, self._reports, retry=retry)
        except Exception:
            if retry:
                WAKE.again(ident)
            raise
        if lb is not None and lb.provisioning_status not in graph.DELETE and Place(ident).folder.exists():
            self._watch.see(store.load(ident), haproxy.master(Place(ident)) is not None)

    def _failed(self, ident: str, now: float, error: Exception) -> None:
        with self._lock:
            trouble = self._trouble.setdefault(ident, _Trouble(now, now, 0))
            trouble.tries += 1
            trouble.again = time.monotonic() + min(0.5 * 2**trouble.tries, 15)
            late = now - trouble.since > GIVE_UP_SECONDS
            # One that was not PENDING_* is not in the list of those, and is retried without end.
            self._unfinished.add(ident)
        LOG.warning("balancer %s, try %s: %s: %s", ident, trouble.tries, type(error).__name__, error)
        if trouble.tries == 1:
            LOG.info("balancer %s", ident, exc_info=error)
        if late:
            self._give_up(ident)

    def _give_up(self, ident: str) -> None:
        """Report the failure. A change is given up; a balancer that only had to be adopted again is retried."""
        try:
            lb = store.load(ident)
            if lb is not None and lb.provisioning_status not in graph.PENDING:
                if lb.operating_status != "ERROR":
                    self._reports.status({"loadbalancers": [{"id": ident, "operating_status": "ERROR"}]})
                return
            if lb is not None:
                LOG.error("the change of balancer %s is given up", ident)
                self._reports.status(graph.broken(lb))
        except Exception as error:
            LOG.warning("balancer %s: its failure was not reported: %s", ident, error)
            return
        with self._lock:
            self._trouble.pop(ident, None)
            self._unfinished.discard(ident)


def settle(lb: Any, ident: str, net: network.Network, reports: store.Reports, *, retry: bool = False) -> None:
    """Make a balancer match the database, and report the result. The caller holds its lock.

    `retry`: try again what once failed. Raises failures that a later attempt may overcome.
    """
    if lb is None or lb.provisioning_status in graph.DELETE:
        balancer.remove(Place(ident))
        if lb is not None and lb.provisioning_status == "PENDING_DELETE":
            net.release(lb)
            reports.status(graph.deleted(lb))
        return
    if lb.provisioning_status == "ERROR" and not retry:
        # It serves what it can; a failover or a deletion is up to the tenant.
        with contextlib.suppress(Failed, OSError, balancer.Refused):
            balancer.make(lb, net)
        return
    pending = lb.provisioning_status.startswith("PENDING_")
    update = balancer.make(lb, net, retry=retry)
    if pending:
        reports.status(update)
