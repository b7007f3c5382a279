"""Nova: compute API, metadata API, conductor, scheduler and nova-compute as threads of one process.

Upstream's own functional tests start the services this way. All of them use the database directly: the
switches that keep nova-compute away from it are for a process that holds nova-compute alone.
"""

from __future__ import annotations

# Before anything else of OpenStack is imported: native threads, and eventlet forbidden.
from nova import monkey_patch

monkey_patch.patch(backend="threading")

import logging  # noqa: E402
import os  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

from onestack_runtime.places import API, ENVIRONMENT, ETC, LIB, folder  # noqa: E402
from onestack_runtime.process import Process  # noqa: E402

LOG = logging.getLogger(__name__)

API_THREADS = 12
METADATA_THREADS = 4
STOP_SECONDS = 40.0


def main() -> None:
    os.environ.setdefault("OS_NOVA_CONFIG_DIR", str(ETC / "nova"))
    os.environ.setdefault("OS_NOVA_CONFIG_FILES", f"{ENVIRONMENT}/etc/nova/api-paste.ini;nova.conf")
    for name in (".", "instances", "tmp"):
        # QEMU, another user, must reach its disks.
        folder(LIB / "nova" / name, 0o755)
    from nova.api.openstack import wsgi_app

    process = Process("nova", STOP_SECONDS)
    process.serve(
        wsgi_app.init_application("osapi_compute", "nova-api-os-compute"),
        str(API / "nova.sock"),
        "compute",
        API_THREADS,
    )
    metadata = wsgi_app.init_application("metadata", "nova-api-metadata")
    process.serve(metadata, str(API / "nova-metadata.sock"), "", METADATA_THREADS)
    _prepare_workers()
    for name, start in _workers():
        service = _Worker(start)
        process.worker(name, service.start, service.stop)
    process.run()


def _prepare_workers() -> None:
    """What nova-compute's own start does for the whole process."""
    import nova.privsep
    import os_brick
    import os_brick.privileged
    import os_vif
    import vif_plug_ovs.privsep
    from nova import objects
    from nova.conf import CONF

    from onestack_runtime import privilege

    privilege.in_process(nova.privsep, os_brick.privileged, vif_plug_ovs.privsep)
    os_brick.setup(CONF)
    os_vif.initialize()
    objects.Service.enable_min_version_cache()


class _Worker:
    """One of nova's services; made anew at each attempt to start it."""

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create = create
        self._service: Any = None

    def start(self) -> None:
        self._service = self._create()

    def stop(self) -> None:
        self._service.stop()


def _workers() -> list[tuple[str, Callable[[], Any]]]:
    from nova.conductor import rpcapi as conductor_rpcapi
    from nova.conf import CONF
    from nova.scheduler import rpcapi as scheduler_rpcapi

    found = [
        ("nova-conductor", lambda: _start("nova-conductor", conductor_rpcapi.RPC_TOPIC)),
        ("nova-scheduler", lambda: _start("nova-scheduler", scheduler_rpcapi.RPC_TOPIC)),
    ]
    if CONF.compute_driver == "onestack_fake.FakeHost":
        from onestack_runtime.fake_hosts import hosts

        hosts.prepare()
        return [*found, ("nova-compute (fake hosts)", lambda: _start_computes(hosts.names()))]
    return [*found, ("nova-compute", lambda: _start_computes([CONF.host]))]


def _start(binary: str, topic: str, **more: Any) -> Any:
    """Start one service; it listens on the message bus when this returns."""
    from nova import service

    _require_placement()
    made = service.Service.create(binary=binary, topic=topic, **more)
    made.start()
    return made


class _Several:
    """Several services that stop together."""

    def __init__(self, services: list[Any]) -> None:
        self._services = services

    def stop(self) -> None:
        for each in self._services:
            each.stop()


def _start_computes(hosts: list[str]) -> _Several:
    """Start nova-compute for each host and make the hosts known to the cell at once."""
    from nova import context
    from nova.compute import rpcapi
    from nova.objects import host_mapping

    services = [
        _start("nova-compute", rpcapi.RPC_TOPIC, topic_alt=rpcapi.RPC_TOPIC_ALT, host=host) for host in hosts
    ]
    # The scheduler looks only at hosts that are mapped to a cell; its own discovery is periodic.
    host_mapping.discover_hosts(context.get_admin_context())
    return _Several(services)


def _require_placement() -> None:
    """Raise while Keystone or Placement does not answer or refuses our credentials.

    The scheduler would die of it, nova-compute would wait a minute before it reports its inventory.
    """
    from nova import utils

    adapter = utils.get_ksa_adapter("placement")
    adapter.get("/resource_providers?name=none", raise_exc=True, connect_retries=0)


if __name__ == "__main__":
    main()
