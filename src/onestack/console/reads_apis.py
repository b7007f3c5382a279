"""What pages show by asking OpenStack's APIs: by the same Python API as the command line."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from openstack.connection import Connection

from onestack.autoscaling.autoscaler import journal
from onestack.cloud import Cloud
from onestack.console import plans
from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.health import status
from onestack.platform import tls
from onestack.platform.site import Site
from onestack.workloads.openstack.rest import Rest

MOST, MOST_GUESTS = 50, 500
"""How many objects of a kind are offered to `why`: those that changed last; and how many guests are shown."""
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
    """The reads of one cloud, for any thread. The connection is kept, so that a page costs few requests."""

    def __init__(self, paths: Paths) -> None:
        self._cloud = Cloud(paths.root, cache=paths.cache)
        self._admin: Connection | None = None
        self._gateway = ""

    def _connected(self, site: Site) -> Connection:
        if self._admin is None or self._gateway != site.gateway:
            self._admin, self._gateway = self._cloud.connect(), site.gateway
        return self._admin

    def agents(self) -> Any:
        """The workers and agents as OpenStack reports them."""
        site = self._cloud.site
        return [asdict(each) for each in status.worker_statuses(site, self._connected(site))]

    def certificates(self) -> Any:
        """When the cloud's certificates end."""
        return [asdict(each) for each in tls.expiries(self._cloud.paths.etc / "tls")]

    def guests(self) -> Any:
        """The servers of all hosts, by host."""
        rest = Rest(self._connected(self._cloud.site), "compute")
        listed = rest.get("/servers/detail", all_tenants="1", limit=str(MOST_GUESTS))["servers"]
        by_host: dict[str, list[dict[str, str]]] = {}
        for each in listed:
            host = each.get("OS-EXT-SRV-ATTR:host") or ""
            about = {"id": each["id"], "name": each["name"], "status": each["status"]}
            by_host.setdefault(host, []).append(about)
        return {"hosts": dict(sorted(by_host.items())), "more": len(listed) == MOST_GUESTS}

    def groups(self) -> Any:
        """The scaling groups with their last decisions."""
        found = []
        for group in self._cloud.scaling_groups.groups():
            record = group.record
            file = journal.file_of(self._cloud.paths.log, record.project, record.name)
            found.append({**group.as_dict(), "title": group.title, "history": list(journal.read(file, 200))})
        return found

    def subjects(self, kind: str) -> Any:
        """What `why` can be asked about; what is in trouble first."""
        if kind not in _SUBJECTS:
            raise BadInput(f"'{kind}' cannot be explained", hint=f"one of {', '.join(_SUBJECTS)}")
        site = self._cloud.site
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
        return {"kind": kind, "rows": sorted(found, key=lambda each: "ERROR" not in each["status"].upper())}

    def why(self, kind: str, word: str) -> Any:
        """What stands in the way of an object."""
        if kind not in _SUBJECTS:
            raise BadInput(f"'{kind}' cannot be explained", hint=f"one of {', '.join(_SUBJECTS)}")
        return self._cloud.why(kind, word).as_dict()

    def plan(self, file: str, prune: bool = False, adopt: bool = False, drift: bool = False) -> Any:
        """The plan of a spec; it is kept, so that exactly it can be applied."""
        return plans.make(self._cloud, Path(file) if file else None, prune=prune, adopt=adopt, drift=drift)
