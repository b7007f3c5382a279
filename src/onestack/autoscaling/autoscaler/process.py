"""The autoscaler's process, for all groups of a cloud. supervisord restarts it; it may be killed at any moment."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from onestack.autoscaling import record
from onestack.autoscaling import status as autoscaling_status
from onestack.autoscaling.autoscaler import journal
from onestack.autoscaling.autoscaler.lease import Lease
from onestack.autoscaling.autoscaler.tenants import Tenants
from onestack.autoscaling.autoscaler.worker import Worker
from onestack.autoscaling.reading import Record
from onestack.core.errors import OneStackError
from onestack.core.paths import Paths
from onestack.host.files import replace_file
from onestack.host.lock import held
from onestack.observe.collect import Collector
from onestack.observe.exporter import Exporter
from onestack.observe.observation import Observation
from onestack.observe.peers import Peers
from onestack.observe.prometheus import Prometheus
from onestack.observe.resources.read import Reader
from onestack.platform import site
from onestack.platform.site import Site
from onestack.workloads.kind.faults import Fault

LOG = logging.getLogger("onestack.autoscaler")
PERIOD, BUSY, QUIET = 5.0, 1.5, 15.0
"""Seconds between two cycles: if no group has anything in progress; if one has; if there were no groups."""
LONGEST_PAUSE = 60.0
"""Seconds. A project whose services do not answer is read with increasing pauses, up to this."""
GROUPS_AT_ONCE = 8
LOCK = "scaler.lock"
"""The same name as in older versions, so that this autoscaler waits for one of theirs that is still running."""
_FAULTS = (OneStackError, SDKException, ClientException, OSError, ValueError, KeyError)


def nudge_file(paths: Paths) -> Path:
    """A file that commands touch, so that the autoscaler reads their changes at once."""
    return paths.run / "autoscaler.nudge"


class Autoscaler:
    """The autoscaler of all groups of one cloud. It runs in the cloud's network namespace."""

    def __init__(self, found: Site) -> None:
        self._site = found
        self._tenants = Tenants(found)
        self._lease = Lease(lambda: self._tenants.admin("network"), found.view.here.name)
        self._collector = Collector(found)
        self._prometheus = Prometheus(found)
        self._resources = Reader(found)
        self._exporter = Exporter(found, self._resources.text)
        self._peers = Peers(found)
        self._observed: Observation | None = None
        self._workers: dict[str, Worker] = {}
        self._pauses: dict[str, tuple[float, float]] = {}
        self._records: list[Record] = []
        self._problems: list[str] = []
        self._listed = -QUIET
        self._nudged = 0.0
        self._stop = threading.Event()

    def run(self) -> None:
        """Run until SIGTERM. A failed cycle is logged, and the next one tries again."""
        supervisor = os.getppid()
        if self._site.spec.monitored:
            try:
                self._exporter.start()
                self._resources.start()
            except OneStackError as error:
                # Without Prometheus, only policies with queries lack their signals.
                LOG.error("no metrics are exported to Prometheus: %s", error)
        while os.getppid() == supervisor:
            began = time.monotonic()
            busy = False
            try:
                busy = self.cycle()
            except _FAULTS as error:
                LOG.warning("cycle failed: %s", error)
            pause = BUSY if busy else PERIOD
            while time.monotonic() - began < pause and not self._was_nudged():
                if self._stop.wait(0.2):
                    return

    def stop(self) -> None:
        self._stop.set()

    def cycle(self) -> bool:
        """Collect, decide and act for every group; returns whether something is in progress."""
        now = time.monotonic()
        wanted = bool(self._records) or self._site.spec.monitored
        if wanted and (self._observed is None or now - self._observed.monotonic >= PERIOD - 0.5):
            here = self._collector.collect()
            # Guests of other hosts are exported there: here they would be counted twice.
            self._exporter.set(here)
            failures = list(here.failures)
            elsewhere = self._peers.guests(failures)
            self._observed = replace(here, guests={**elsewhere, **here.guests}, failures=tuple(failures))
        if now - self._listed >= (PERIOD if self._records else QUIET):
            self._list(now)
        if not self._records:
            self._write({}, "no groups")
            return False
        if not self._lease.held():
            self._write({}, "another host holds the lease")
            return False
        by_project: dict[str, list[Record]] = defaultdict(list)
        for group in self._records:
            if group.phase != record.LEAVING:
                by_project[group.project].append(group)
        with ThreadPoolExecutor(GROUPS_AT_ONCE) as pool:
            busy = list(pool.map(lambda item: self._project(*item), by_project.items()))
        states = {ident: worker.state.as_dict() for ident, worker in self._workers.items()}
        self._write(states, "")
        return any(busy)

    def _list(self, now: float) -> None:
        self._records, self._problems = self._tenants.records()
        self._listed = now
        existing = {group.id for group in self._records}
        self._workers = {ident: worker for ident, worker in self._workers.items() if ident in existing}
        self._tenants.forget(group.project for group in self._records)

    def _project(self, project: str, groups: list[Record]) -> bool:
        """Handle all groups of one tenant; its servers are listed once."""
        now = time.monotonic()
        after, pause = self._pauses.get(project, (0.0, 0.0))
        if now < after:
            return False
        try:
            servers = self._tenants.rest(project, "compute").all(
                "/servers/detail", "servers", tags=record.TAG
            )
            self._remove_orphans(project, servers)
        except _FAULTS as error:
            self._refused(project, error, now, pause, groups)
            return False
        self._pauses.pop(project, None)
        busy = [self._group(group, servers) for group in groups]
        return any(busy)

    def _group(self, group: Record, servers: Sequence[Mapping[str, Any]]) -> bool:
        worker = self._workers.get(group.id)
        if worker is None:
            file = journal.file_of(self._site.paths.log, group.project, group.name)
            worker = Worker(
                self._site,
                lambda service, p=group.project: self._tenants.rest(p, service),  # type: ignore[misc]
                journal.Journal(file),
                self._prometheus.query,
            )
            self._workers[group.id] = worker
        if self._observed is None:
            return True
        try:
            state = worker.tick(group, servers, self._observed)
        except _FAULTS as error:
            LOG.warning("%s: %s", group.name, error)
            worker.state.name, worker.state.project = group.name, group.project
            worker.state.problems = [f"left as it is: {error}"]
            return False
        # The records just written are used until they are listed again.
        if state.desired != group.desired or group.asked:
            self._listed = -QUIET
        return state.busy

    def _refused(
        self, project: str, error: Exception, now: float, pause: float, groups: list[Record]
    ) -> None:
        pause = min(max(2 * pause, PERIOD), LONGEST_PAUSE)
        self._pauses[project] = (now + pause, pause)
        LOG.warning("project %s: %s; retried in %.0f s", project, error, pause)
        if isinstance(error, Fault) and error.status in (401, 403, 404):
            self._tenants.renew(project)
        for group in groups:
            if worker := self._workers.get(group.id):
                worker.state.problems = [f"left as it is: {error}"]

    def _remove_orphans(self, project: str, servers: Sequence[Mapping[str, Any]]) -> None:
        """Remove members of deleted groups, which an autoscaler created while the group was being deleted."""
        existing = {group.id for group in self._records}
        for server in servers:
            ident = server["metadata"].get(record.GROUP)
            if ident and ident not in existing and not self._exists(ident):
                LOG.warning("%s belongs to a group that no longer exists: deleted", server["name"])
                self._tenants.rest(project, "compute").delete(f"/servers/{server['id']}")

    def _exists(self, ident: str) -> bool:
        try:
            self._tenants.admin("image").get(f"/images/{ident}")
        except Fault as fault:
            if fault.status == 404:
                return False
            raise
        return True

    def _was_nudged(self) -> bool:
        try:
            changed = nudge_file(self._site.paths).stat().st_mtime
        except OSError:
            return False
        if changed == self._nudged:
            return False
        self._nudged, self._listed = changed, -QUIET
        return True

    def _write(self, groups: Mapping[str, Any], note: str) -> None:
        failures = list(self._observed.failures) if self._observed else []
        data = {
            "time": time.time(),
            "groups": groups,
            "note": note,
            "problems": [*self._problems, *failures],
        }
        replace_file(self._site.paths.run / autoscaling_status.FILE, json.dumps(data))


def main(root: str, cache: str) -> None:
    """Run the autoscaler of the cloud under `root`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("openstack").setLevel(logging.ERROR)
    paths = Paths.at(root, cache)
    found = site.load(paths)
    with held(paths.run / LOCK, "the autoscaler", seconds=30):
        LOG.info("watching")
        Autoscaler(found).run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
