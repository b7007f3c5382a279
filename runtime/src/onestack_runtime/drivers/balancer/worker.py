"""The provider's worker: finds pending changes in the database, makes them, and monitors the balancers.

It acts on the database's state and not on messages: after a crash, the next process finds the unfinished changes. A
failed change is retried until GIVE_UP_SECONDS have passed; then the balancer is set to ERROR, never left PENDING_*.
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
"""Pauses before each read of the database after a wake-up, until a change is found: the API commits a bit later."""
GIVE_UP_SECONDS = 120.0
PURGE_SECONDS = 600.0


@dataclass
class _Failure:
    """The failed attempts at a balancer. Times: seconds, monotonic."""

    since: float
    retry_at: float
    tries: int = 1


class Worker:
    """Threads: one finds pending changes, several make them, one monitors the balancers."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="balancer")
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._unfinished: set[str] = set()
        self._failures: dict[str, _Failure] = {}
        self._network = network.Network()
        self._reports = store.Reports()
        self._watch = Watch(self._reports, self._ended)

    def start(self) -> None:
        """Take over all balancers, and start. Raises if the database does not answer."""
        living = store.living()
        haproxy.install()
        with self._lock:
            self._unfinished |= set(living)
        known = {Place(each).name for each in living}
        for place in places.all_on_disk():
            if place.name not in known:
                self._remove_leftover(place)
        for name in set(plug.namespaces()) - known:
            LOG.warning("network namespace %s belongs to no balancer: removed", name)
            plug.unplug(Place(name.removeprefix(places.PREFIX)))
        for name, body in (("balancers", self._run), ("balancer watch", self._watch.run)):
            threading.Thread(target=body, name=name, daemon=True).start()

    def stop(self) -> None:
        """Wait for changes in progress; the HAProxies keep serving."""
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
            woken = WAKE.wait(IDLE_SECONDS)
            for pause in SOON_SECONDS if woken else (0.0,):
                if self._ended.wait(pause) or self._submit_pending():
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

    def _submit_pending(self) -> bool:
        """Submit all balancers that have work to do; returns whether there were any."""
        try:
            wanted = set(store.pending())
        except Exception as error:
            LOG.warning("the database does not answer: %s", error)
            return False
        now = time.monotonic()
        submitted = False
        with self._lock:
            wanted |= self._unfinished
            for each in wanted - self._busy:
                failure = self._failures.get(each)
                if failure and now < failure.retry_at:
                    continue
                self._busy.add(each)
                self._pool.submit(self._work, each)
                submitted = True
        return submitted

    def _work(self, ident: str) -> None:
        started = time.monotonic()
        try:
            with balancer.locked(Place(ident)):
                self._settle(ident)
        except Exception as error:
            self._failed(ident, started, error)
        else:
            with self._lock:
                self._failures.pop(ident, None)
                self._unfinished.discard(ident)
        finally:
            with self._lock:
                self._busy.discard(ident)
            WAKE.up()

    def _settle(self, ident: str) -> None:
        lb = store.load(ident)
        if lb is None or lb.provisioning_status in graph.DELETE:
            self._watch.remove(ident)
        retry = WAKE.take_retry(ident)
        try:
            settle(lb, ident, self._network, self._reports, retry=retry)
        except Exception:
            if retry:
                WAKE.request_retry(ident)
            raise
        if lb is not None and lb.provisioning_status not in graph.DELETE and Place(ident).folder.exists():
            self._watch.add(store.load(ident), haproxy.master(Place(ident)) is not None)

    def _failed(self, ident: str, now: float, error: Exception) -> None:
        with self._lock:
            failure = self._failures.setdefault(ident, _Failure(now, now, 0))
            failure.tries += 1
            failure.retry_at = time.monotonic() + min(0.5 * 2**failure.tries, 15)
            overdue = now - failure.since > GIVE_UP_SECONDS
            # `store.pending` does not list a balancer without a pending change, which must be retried, too.
            self._unfinished.add(ident)
        LOG.warning("balancer %s, try %s: %s: %s", ident, failure.tries, type(error).__name__, error)
        if failure.tries == 1:
            LOG.info("balancer %s", ident, exc_info=error)
        if overdue:
            self._give_up(ident)

    def _give_up(self, ident: str) -> None:
        """Report the failure. A pending change is given up; a balancer without one is retried for ever."""
        try:
            lb = store.load(ident)
            if lb is not None and lb.provisioning_status not in graph.PENDING:
                if lb.operating_status != "ERROR":
                    self._reports.status({"loadbalancers": [{"id": ident, "operating_status": "ERROR"}]})
                return
            if lb is not None:
                LOG.error("the change of balancer %s is given up", ident)
                self._reports.status(graph.given_up(lb))
        except Exception as error:
            LOG.warning("balancer %s: its failure was not reported: %s", ident, error)
            return
        with self._lock:
            self._failures.pop(ident, None)
            self._unfinished.discard(ident)


def settle(lb: Any, ident: str, net: network.Network, reports: store.Reports, *, retry: bool = False) -> None:
    """Make a balancer match the database, and report the result. The caller holds its lock.

    `retry`: include objects in ERROR. A failure is raised, and a later attempt may succeed.
    """
    if lb is None or lb.provisioning_status in graph.DELETE:
        balancer.remove(Place(ident))
        if lb is not None and lb.provisioning_status == "PENDING_DELETE":
            net.release(lb)
            reports.status(graph.deleted(lb))
        return
    if lb.provisioning_status == "ERROR" and not retry:
        # Keep what works serving; the tenant decides on a failover or deletion.
        with contextlib.suppress(Failed, OSError, balancer.Refused):
            balancer.make(lb, net)
        return
    pending = lb.provisioning_status.startswith("PENDING_")
    update = balancer.make(lb, net, retry=retry)
    if pending:
        reports.status(update)
