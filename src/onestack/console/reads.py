"""What pages show, read by the Python API: one function for each, which returns data for JSON.

They run in the reader's process, each in a thread. One that hangs is given up by the web server.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from openstack.connection import Connection

from onestack.autoscaling.autoscaler import journal
from onestack.cloud import Cloud
from onestack.console import events, plans
from onestack.core.errors import BadInput
from onestack.health import status
from onestack.health.status import Status
from onestack.host import proc
from onestack.observe import capacity
from onestack.platform import tls
from onestack.platform.site import Site
from onestack.workloads.openstack.rest import Rest

MOST = 50
"""How many objects of a kind are offered to `why`: those that changed last."""
SAME_SECONDS = 2.0
"""For so long a status is not read again."""
_SUBJECTS: Final = {
    "server": ("compute", "/servers/detail", "servers", {"all_tenants": "1", "sort_key": "updated_at"}),
    "volume": (
        "block-storage",
        "/volumes/detail",
        "volumes",
        {"all_tenants": "1", "sort": "updated_at:desc"},
    ),
    "port": ("network", "/ports", "ports", {}),
    "balancer": ("load-balancer", "/lbaas/loadbalancers", "loadbalancers", {}),
}
"""Of what `why` explains: the service, the path and key of its list, and the parameters."""


class Reads:
    """The reads of one cloud. The connection to OpenStack is kept, so that a page costs few requests."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._admin: Connection | None = None
        self._gateway = ""
        self._guard = threading.Lock()
        self._seen: tuple[float, Status] | None = None

    def call(self, name: str, given: Mapping[str, Any]) -> Any:
        """What the read `name` finds. Raises what the API raises; KeyError for another name."""
        return READS[name](self, **given)

    @property
    def _site(self) -> Site:
        return self._cloud.site

    def _connected(self, site: Site) -> Connection:
        if self._admin is None or self._gateway != site.gateway:
            self._admin, self._gateway = self._cloud.connect(), site.gateway
        return self._admin

    def _status(self) -> Status:
        """The status without OpenStack's own report; parts that are read together have the same one."""
        with self._guard:
            if self._seen is None or time.monotonic() - self._seen[0] > SAME_SECONDS:
                self._seen = time.monotonic(), status.examine(self._site, apis=False)
            return self._seen[1]

    def health(self) -> Any:
        """How the processes of all hosts are. Asks no API of OpenStack's, so it works when all of them are down."""
        return {**self._status().as_dict(), "dashboard": self._site.dashboard}

    def agents(self) -> Any:
        """The workers and agents as OpenStack reports them."""
        site = self._site
        return [asdict(each) for each in status.worker_statuses(site, self._connected(site))]

    def capacity(self) -> Any:
        """Of each host what it has, has given away and has left."""
        return capacity.now(self._site).as_dict()

    def alerts(self) -> Any:
        """The alerts of the cloud's Prometheus, if it has one."""
        if not self._site.spec.monitored:
            return {"monitored": False, "alerts": []}
        return {"monitored": True, "alerts": [asdict(each) for each in self._cloud.observing.alerts()]}

    def certificates(self) -> Any:
        """When the cloud's certificates end."""
        return [asdict(each) for each in tls.expiries(self._cloud.paths.etc / "tls")]

    def events(self) -> Any:
        """What happened last."""
        return events.recent(self._cloud.paths)

    def hosts(self) -> Any:
        """The hosts, their processes and disks. Asks no API."""
        site = self._site
        found = self._status()
        here = {"cpus": os.cpu_count(), "load": os.getloadavg()[0], **_memory(), **_disk(site.paths.lib)}
        return [
            {
                "name": each.name,
                "address": each.address,
                "roles": sorted(each.roles),
                "leader": site.leads and each.name == site.here.name,
                "disks": [asdict(disk) for disk in each.disks],
                "machine": here if each.name == site.here.name else None,
                "processes": [
                    asdict(process)
                    for process in found.processes
                    if process.host == each.name or (not process.host and each.name == site.here.name)
                ],
            }
            for each in site.hosts
        ]

    def guests(self) -> Any:
        """The servers of all hosts, by host; those that changed last, 500 at most."""
        site = self._site
        rest = Rest(self._connected(site), "compute")
        listed = rest.get("/servers/detail", all_tenants="1", limit="500")["servers"]
        by_host: dict[str, list[dict[str, str]]] = {}
        for each in listed:
            host = each.get("OS-EXT-SRV-ATTR:host") or ""
            by_host.setdefault(host, []).append(
                {"id": each["id"], "name": each["name"], "status": each["status"]}
            )
        return {"hosts": dict(sorted(by_host.items())), "more": len(listed) == 500}

    def groups(self) -> Any:
        """The scaling groups with their last decisions."""
        found = []
        for group in self._cloud.scaling_groups.groups():
            record = group.record
            file = journal.file_of(self._cloud.paths.log, record.project, record.name)
            found.append({**group.as_dict(), "title": group.title, "history": list(journal.read(file, 200))})
        return found

    def subjects(self, kind: str) -> Any:
        """What `why` can be asked about: id, name, status."""
        site = self._site
        service, path, key, words = _SUBJECTS[kind]
        if service not in site.view.cloud.services:
            raise BadInput(f"this cloud does not run {service}", hint="platform.services in the spec")
        listed = Rest(self._connected(site), service).get(path, limit=str(MOST), **words)[key]
        found = [
            {
                "id": each["id"],
                "name": each.get("name") or each["id"],
                "status": each.get("status") or each.get("operating_status") or "",
            }
            for each in listed
        ]
        # What is in trouble first.
        rows = sorted(found, key=lambda each: "ERROR" not in each["status"].upper())
        return {"kind": kind, "rows": rows}

    def why(self, kind: str, word: str) -> Any:
        """What stands in the way of an object."""
        return self._cloud.why(kind, word).as_dict()

    def log(self, service: str = "", q: str = "", host: str = "") -> Any:
        """The last lines of a process's log with `q` in them; of a request's id all lines of all services."""
        if q.startswith("req-"):
            lines = list(self._cloud.logs(request=q))
        else:
            number = 5000 if q else 200
            lines = list(self._cloud.logs(service or None, host=host or None, lines=number))
        words = q.lower()
        found = [(name, line) for name, line in lines if words in line.lower()]
        return {"lines": found[-200:], "more": len(found) > 200}

    def plan(self, file: str, prune: bool = False, adopt: bool = False, drift: bool = False) -> Any:
        """The plan of a spec; it is kept, so that exactly it can be applied."""
        return plans.make(self._cloud, Path(file) if file else None, prune=prune, adopt=adopt, drift=drift)


READS: Final[Mapping[str, Callable[..., Any]]] = {
    name: body for name, body in vars(Reads).items() if not name.startswith("_") and name != "call"
}


def _memory() -> dict[str, int]:
    """In MiB."""
    found = proc.meminfo(Path("/proc/meminfo").read_text())
    return {"memory": found["MemTotal"], "memory_free": found["MemAvailable"]}


def _disk(folder: Path) -> dict[str, int]:
    """Of the file system with the cloud's data, in GiB."""
    found = os.statvfs(folder)
    return {
        "disk": found.f_blocks * found.f_frsize >> 30,
        "disk_free": found.f_bavail * found.f_frsize >> 30,
    }
