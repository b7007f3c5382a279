"""Prometheus: stores the metrics of the cloud's own exporter, for a bounded time and size, and answers queries.

It listens only on loopback in the cloud's network, and runs as an unprivileged user of its own.
"""

from __future__ import annotations

import json

from onestack.core.contract import LIB
from onestack.platform.shape import Folder, InfrastructureService, Process, Ready
from onestack.platform.view import View

NAME = "prometheus"
EVERY = "5s"
FOLDER = f"{LIB}/prometheus"
CONFIG = f"{FOLDER}/prometheus.yml"
"""Not below /etc/onestack, which only root can read."""
DATA = f"{FOLDER}/data"
# Older samples do not count as present values. (A series that is no longer scraped ends at once anyway.)
_LOOK_BACK = "30s"


def files(view: View) -> dict[str, str]:
    if view.cloud.monitoring is None:
        return {}
    jobs = [_job("onestack", [f"{view.backing.local}:{view.cloud.monitoring.exporter_port}"])]
    if view.cloud.monitoring.targets:
        jobs.append(_job("targets", list(view.cloud.monitoring.targets)))
    # JSON is YAML, too, and quotes any target's name correctly.
    settings = {"global": {"scrape_interval": EVERY, "scrape_timeout": "4s"}, "scrape_configs": jobs}
    return {CONFIG: json.dumps(settings, indent=1)}


def _job(name: str, targets: list[str]) -> dict[str, object]:
    return {"job_name": name, "static_configs": [{"targets": targets}]}


def processes(view: View) -> tuple[Process, ...]:
    wanted = view.cloud.monitoring
    if wanted is None:
        return ()
    # setpriv execs, so the supervised pid is Prometheus' own.
    drop = ("setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--bounding-set=-all")  # fmt: skip
    return (
        Process(
            NAME,
            (
                *drop,
                NAME,
                f"--config.file={CONFIG}",
                f"--storage.tsdb.path={DATA}",
                f"--storage.tsdb.retention.time={wanted.retention}s",
                f"--storage.tsdb.retention.size={wanted.size}MB",
                f"--web.listen-address={view.backing.local}:{wanted.port}",
                # Pages of other sites must not read metrics through a user's browser.
                "--web.cors.origin=none",
                "--web.max-connections=64",
                f"--query.lookback-delta={_LOOK_BACK}",
                "--query.timeout=10s",
                "--query.max-concurrency=4",
                "--query.max-samples=5000000",
            ),
            Ready(
                command=(
                    "busybox",
                    "wget",
                    "-q",
                    "-T",
                    "5",
                    "-O",
                    "/dev/null",
                    f"http://{view.backing.local}:{wanted.port}/-/ready",
                ),
                seconds=60,
            ),
            scope="leader",
            stop_seconds=30,
            # Prefer a small heap to speed: one cloud has few samples.
            environment={"GOMAXPROCS": "1", "GOGC": "50"},
        ),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    folders=(Folder(FOLDER, "root", NAME, 0o750), Folder(DATA, NAME, NAME, 0o700)),
)
