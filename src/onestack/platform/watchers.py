"""The keeper, which restarts hanging processes, the autoscaler, the exporter of hosts that have no autoscaler, and
where healing is on the healer and the lease agents: processes under supervisord, outside the cloud's namespace."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from onestack.autoscaling import status as autoscaling_status
from onestack.core import data
from onestack.core.contract import RUN
from onestack.core.errors import PermanentError
from onestack.host.supervisor import Program
from onestack.platform.infrastructure import etcd, lease
from onestack.platform.places import HOST_CERTIFICATE
from onestack.platform.shape import Process, Ready
from onestack.platform.site import Site

KEEPER, AUTOSCALER, EXPORTER = "keeper", "autoscaler", "exporter"
HEALER = etcd.HEALER
NAMES = (KEEPER, AUTOSCALER, EXPORTER, HEALER, lease.AGENT)
AUTOSCALER_PROCESS = Process(
    AUTOSCALER, (), Ready(written=(f"{RUN}/{autoscaling_status.FILE}", 60.0)), hang_seconds=240.0
)
"""The readiness condition of the autoscaler; its cycles may take as long as slow APIs do."""


def programs(site: Site) -> list[Program]:
    """The watchers that this cloud can have, as supervisord's programs."""
    found = [watcher(site, KEEPER, "onestack.health.keeper")]
    if scales(site):
        found.append(watcher(site, AUTOSCALER, "onestack.autoscaling.autoscaler.process"))
    if exports(site):
        found.append(watcher(site, EXPORTER, "onestack.observe.on_host"))
    if etcd.needed(site.view) and "compute" in site.here.roles:
        found.append(watcher(site, lease.AGENT, "onestack.health.healing.agent"))
    if heals(site):
        found.append(watcher(site, HEALER, "onestack.health.healing.healer"))
    return found


def launch(site: Site) -> None:
    """Start the watchers of this cloud."""
    site.here.supervisor.launch(KEEPER)
    if is_scaling(site):
        site.here.supervisor.launch(AUTOSCALER)
    if exports(site):
        site.here.supervisor.launch(EXPORTER)
    if heals(site):
        site.here.supervisor.launch(HEALER)


def heals(site: Site) -> bool:
    """Whether this host has a healer."""
    return etcd.needed(site.view) and site.view.control


def exports(site: Site) -> bool:
    """Whether this host has an exporter of its own: on the leader the autoscaler exports."""
    return bool(site.peers) and not site.leads and site.spec.monitored


def scales(site: Site) -> bool:
    """Whether this cloud can have scaling groups, and this host runs the autoscaler."""
    return site.leads and site.view.cloud.services >= {"compute", "image", "network"}


def is_scaling(site: Site) -> bool:
    """Whether the cloud has or had scaling groups. Without any, no autoscaler runs, to save memory."""
    return scales(site) and (site.spec.monitored or _scaling_mark(site).exists())


def begin_scaling(site: Site) -> None:
    """Record that there are scaling groups: the autoscaler is started now, and by every `up`."""
    mark = _scaling_mark(site)
    mark.parent.mkdir(mode=0o700, exist_ok=True)
    mark.touch()
    if site.here.supervisor.program(AUTOSCALER) is None:
        raise PermanentError(
            "this cloud was brought up by another version of OneStack, which has no autoscaler",
            hint="`onestack up` brings it to this version",
        )
    site.here.supervisor.launch(AUTOSCALER)


def _scaling_mark(site: Site) -> Path:
    return site.paths.etc / "scaling/begun"


def watcher(site: Site, name: str, module: str) -> Program:
    """The keeper's or autoscaler's process, which runs outside the cloud's namespace.

    It reads the spec's platform section when it starts: a change of the section restarts the process, and so does
    another version of OneStack, or another set of hosts; and the exporter, which keeps it open, by a new certificate.
    """
    settings = f"{site.spec.platform.model_dump_json()} {site.spec.monitored} {data.digest_of_code()}"
    if site.peers:
        settings += f" {site.gateway} {sorted((each.name, each.address) for each in site.hosts)}"
        certificate = site.here.outside(HOST_CERTIFICATE)
        keeps = name in (EXPORTER, HEALER, lease.AGENT)
        settings += certificate.read_text() if keeps and certificate.exists() else ""
    stamp = hashlib.sha256(settings.encode()).hexdigest()[:12]
    words = (sys.executable, "-m", module, str(site.paths.root), str(site.paths.cache))
    return Program(name, words, {"PYTHONUNBUFFERED": "1", "ONESTACK_CONFIG": stamp}, site.here.log(name))
