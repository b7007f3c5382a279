"""What pages show of the processes, databases, logs and files of a cloud, without asking OpenStack's APIs.

Its process imports no client of OpenStack's, and takes half of the memory of one that does: this is what a page that
is left open costs.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from onestack.console import events, networks
from onestack.core.paths import Paths
from onestack.health import merged_logs, status
from onestack.health.status import Status
from onestack.host import proc
from onestack.observe import capacity, objects, topology
from onestack.observe.prometheus import Prometheus
from onestack.platform import site, tls
from onestack.platform.site import Site

SAME_SECONDS = 2.0
"""For so long a status is not read again."""
MOST, MOST_GUESTS = 50, 500
"""How many objects of a kind are offered to `why`: those that changed last; and how many guests are shown."""
FOUND, SEARCHED = 200, 5000
"""Lines of a log that are shown, and in how many of the last ones words are searched."""


class Reads:
    """The reads of one cloud, for any thread."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._guard = threading.Lock()
        self._seen: tuple[float, Status] | None = None

    @property
    def _site(self) -> Site:
        return site.load(self._paths)

    def _status(self) -> Status:
        """The status without OpenStack's own report; parts that are read together have the same one."""
        with self._guard:
            if self._seen is None or time.monotonic() - self._seen[0] > SAME_SECONDS:
                self._seen = time.monotonic(), status.examine(self._site, apis=False)
            return self._seen[1]

    def health(self) -> Any:
        """How the processes of all hosts are."""
        return {**self._status().as_dict(), "dashboard": self._site.dashboard}

    def capacity(self) -> Any:
        """Of each host what it has, has given away and has left."""
        return capacity.now(self._site).as_dict()

    def certificates(self) -> Any:
        """When the cloud's certificates end."""
        return [asdict(each) for each in tls.expiries(self._paths.etc / "tls")]

    def agents(self) -> Any:
        """The workers as they report to their services."""
        return [asdict(each) for each in objects.workers(self._site)]

    def guests(self) -> Any:
        """The servers of all hosts, by host."""
        listed = objects.last(self._site, "server", MOST_GUESTS)
        by_host: dict[str, list[dict[str, str]]] = {}
        for each in listed:
            by_host.setdefault(each.host, []).append(asdict(each))
        return {"hosts": dict(sorted(by_host.items())), "more": len(listed) == MOST_GUESTS}

    def subjects(self, kind: str) -> Any:
        """What `why` can be asked about; what is in trouble first."""
        objects.require_known(kind)
        listed = [asdict(each) for each in objects.last(self._site, kind, MOST)]
        return {"kind": kind, "rows": sorted(listed, key=lambda each: "ERROR" not in each["status"].upper())}

    def topology(self, tenant: str = "", zoom: str = "") -> Any:
        """A tenant's networks as a picture and as a list; without a name, those of the first one."""
        return networks.shown(topology.now(self._site), tenant, zoom)

    def alerts(self) -> Any:
        """The alerts of the cloud's Prometheus, if it has one."""
        found = self._site
        if not found.spec.monitored:
            return {"monitored": False, "alerts": []}
        return {"monitored": True, "alerts": [asdict(each) for each in Prometheus(found).alerts()]}

    def events(self) -> Any:
        """What happened last."""
        return events.recent(self._paths, self._site)

    def hosts(self) -> Any:
        """The hosts, their processes and disks."""
        found, seen = self._site, self._status()
        here = {"cpus": os.cpu_count(), "load": os.getloadavg()[0], **_memory(), **_disk(found.paths.lib)}
        return [
            {
                "name": each.name,
                "address": each.address,
                "roles": sorted(each.roles),
                "leader": found.leads and each.name == found.here.name,
                "disks": [asdict(disk) for disk in each.disks],
                "machine": here if each.name == found.here.name else None,
                "processes": [
                    asdict(process)
                    for process in seen.processes
                    if process.host == each.name or (not process.host and each.name == found.here.name)
                ],
            }
            for each in found.hosts
        ]

    def log(self, service: str = "", q: str = "", host: str = "") -> Any:
        """The last lines of a process's log with `q` in them; of a request's id all lines of all services."""
        request, number = (q, 0) if q.startswith("req-") else (None, SEARCHED if q else FOUND)
        lines = merged_logs.lines(
            self._paths, None if request else service or None, host or None, None, number, False, request
        )
        words = q.lower()
        # Of a request those count, too, that are about the one that it was made for.
        found = [(name, line) for name, line in lines if request or words in line.lower()]
        return {"lines": found[-FOUND:], "more": len(found) > FOUND}


def _memory() -> Mapping[str, int]:
    """In MiB."""
    found = proc.meminfo(Path("/proc/meminfo").read_text())
    return {"memory": found["MemTotal"], "memory_free": found["MemAvailable"]}


def _disk(folder: Path) -> Mapping[str, int]:
    """Of the file system with the cloud's data, in GiB."""
    found = os.statvfs(folder)
    return {
        "disk": found.f_blocks * found.f_frsize >> 30,
        "disk_free": found.f_bavail * found.f_frsize >> 30,
    }
