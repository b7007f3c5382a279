"""Cinder: API, volume services, scheduler and backup as threads of one process.

Upstream has no such process, but its services can be created in a single one, as its own functional tests do.
"""

from __future__ import annotations

import os

# Before anything else of OpenStack is imported. Eventlet is loaded all the same: Cinder imports it everywhere.
os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
from onestack_runtime import series

series.here().cinder_threads()

import logging  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from typing import Any  # noqa: E402

from onestack_runtime import contract  # noqa: E402
from onestack_runtime.paths import LIB, RUN, configuration, folder  # noqa: E402
from onestack_runtime.replacements import registry  # noqa: E402
from onestack_runtime.serving import workers  # noqa: E402
from onestack_runtime.serving.process import Process  # noqa: E402

LOG = logging.getLogger(__name__)

WORKERS = API, VOLUMES = contract.API_ONLY, "volumes"
"""VOLUMES: volume services, scheduler and backup, which share a bus inside the process."""
API_THREADS = 12
STOP_SECONDS = 40.0
DRAIN_SECONDS = 12.0
"""How long to wait for each service's in-flight work when the process is stopped."""
BACKUPS_AT_ONCE = 4
VOLUMES_UP_SECONDS = 120.0


def main() -> None:
    registry.install("cinder")
    state = LIB / "cinder"
    for name in ("backup", "conversion", "coordination", "lock"):
        folder(state / name, 0o700)
    folder(state / "volumes", 0o711)
    sys.argv = ["cinder", *(f"--config-file={file}" for file in configuration("cinder"))]
    # These imports register the services' options, which must happen before the configuration is read.
    from cinder.cmd import backup, scheduler, volume  # noqa: F401
    from cinder.wsgi import wsgi

    process = Process("cinder", STOP_SECONDS)
    application = wsgi.initialize_application()
    _prepare()
    process.serve(application, contract.socket("cinder"), contract.API_PATHS["cinder"], API_THREADS)
    # Where the volumes are not on this host, there is only the API.
    for worker in _workers() if VOLUMES in workers.chosen(WORKERS) else ():
        process.worker(worker.name, worker.start, drain=worker.drain)
    process.run()


def _prepare() -> None:
    """What upstream's commands do for the whole process before they start a service."""
    import os_brick
    import os_brick.privileged
    from cinder import privsep
    from oslo_config import cfg

    from onestack_runtime.drivers.volumes import connector
    from onestack_runtime.serving import privilege

    privilege.in_process(privsep, os_brick.privileged)
    os_brick.setup(cfg.CONF)
    connector.register()
    connector.end_left_overs(RUN / "cinder")


class _Worker:
    """One of Cinder's services, created again at each attempt to start it; `after` must be running first."""

    def __init__(self, name: str, after: threading.Event | None = None, **how: Any) -> None:
        self.name = name
        self.started = threading.Event()
        self._after = after
        self._how = how
        self._service: Any = None

    def start(self) -> None:
        """Start the service; when this returns, it listens on the message bus."""
        from onestack_runtime.drivers.volumes import identity

        if self._after and not self._after.wait(VOLUMES_UP_SECONDS):
            raise TimeoutError("the volume services are not up")
        made = identity.service_class().create(**self._how)
        made.start()
        self._service = made
        self.started.set()

    def drain(self) -> None:
        """Accept no new requests; wait for those in progress. (The service's own `wait` never returns, due to its
        timers.)"""
        servers = [each for each in (self._service.rpcserver, self._service.backend_rpcserver) if each]

        def wait() -> None:
            for server in servers:
                server.stop()
            for server in servers:
                server.wait()

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        waiting.join(DRAIN_SECONDS)


def _workers() -> list[_Worker]:
    """Volume services first: a scheduler that starts before them waits a minute for their capacity reports."""
    from cinder.cmd import volume
    from cinder.common import constants
    from oslo_config import cfg

    found = []
    for backend in cfg.CONF.enabled_backends:
        cfg.CONF.register_opt(volume.host_opt, group=backend)
        found.append(
            _Worker(
                f"cinder-volume {backend}",
                host=f"{cfg.CONF.host}@{backend}",
                service_name=backend,
                binary=constants.VOLUME_BINARY,
                coordination=True,
                cluster=None,
            )
        )
    first = found[0].started
    return [
        *found,
        _Worker("cinder-scheduler", first, binary=constants.SCHEDULER_BINARY),
        _Worker(
            "cinder-backup",
            binary=constants.BACKUP_BINARY,
            coordination=True,
            service_name="backup",
            process_number=1,
            semaphore=threading.Semaphore(BACKUPS_AT_ONCE),
        ),
    ]


if __name__ == "__main__":
    main()
