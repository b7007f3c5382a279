"""Nova: compute API, metadata API, conductor, scheduler and nova-compute as threads of one process.

Upstream's own functional tests start the services this way. All of them use the database directly: upstream's
switches that deny nova-compute the database are set only in a process that runs nova-compute alone (`nova_compute`).
"""

from __future__ import annotations

# Before anything else of OpenStack is imported: select native threads, and block eventlet.
from nova import monkey_patch

monkey_patch.patch(backend="threading")

import logging  # noqa: E402
import os  # noqa: E402
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from onestack_runtime import contract, series  # noqa: E402
from onestack_runtime.admin import cells  # noqa: E402
from onestack_runtime.paths import ENVIRONMENT, ETC, LIB, folder  # noqa: E402
from onestack_runtime.replacements import registry  # noqa: E402
from onestack_runtime.replacements.processors import NAME as ONE_PROCESSOR  # noqa: E402
from onestack_runtime.runners import libvirt_connection, nova_compute, tap_interfaces  # noqa: E402
from onestack_runtime.serving import processors, workers  # noqa: E402
from onestack_runtime.serving.process import Process  # noqa: E402

LOG = logging.getLogger(__name__)

WORKERS = API, CONDUCTOR, SCHEDULER, COMPUTE = "api", "conductor", "scheduler", "compute"
"""In the order in which they are started. `api` stands for the compute and metadata APIs and the consoles."""
API_THREADS = 12
METADATA_THREADS = 4
HEALTH_THREADS = 1
STOP_SECONDS = 40.0
DRAIN_SECONDS = 30
"""How long to wait for in-flight work when the process is stopped."""


def main() -> None:
    chosen = workers.chosen(WORKERS)
    if ONE_PROCESSOR in registry.install("nova", workers=chosen, alone=workers.is_all(WORKERS)):
        processors.pin(processors.NOVA)
    os.environ.setdefault("OS_NOVA_CONFIG_DIR", str(ETC / "nova"))
    os.environ.setdefault("OS_NOVA_CONFIG_FILES", f"{ENVIRONMENT}/etc/nova/api-paste.ini;nova.conf")
    for name in (".", "instances", "tmp"):
        # QEMU, which runs as another user, must reach its disks.
        folder(LIB / "nova" / name, 0o755)
    process = Process("nova", STOP_SECONDS)
    if API in chosen:
        _serve_apis(process)
    else:
        process.serve(workers.no_api, contract.socket("nova"), contract.API_PATHS["nova"], HEALTH_THREADS)
        if chosen == {COMPUTE}:
            nova_compute.prepare()
        else:
            nova_compute.configure()
    _prepare_workers()
    for name in WORKERS:
        if name in chosen and name != API:
            worker = _worker(name, process)
            process.worker(worker.name, worker.start, drain=worker.drain)
    process.run()


def _serve_apis(process: Process) -> None:
    """Serve the compute and metadata APIs, and guests' consoles."""
    from nova.api.openstack import wsgi_app
    from nova.conf import CONF

    names = ("osapi_compute", "nova-api-os-compute")
    # The first, one-off part of the application's start. The rest queries the cell for nova-computes that are too
    # old.
    wsgi_app.init_global_data(wsgi_app._get_config_files(), *names)
    cells.update_template()
    compute = wsgi_app.init_application(*names)
    process.serve(compute, contract.socket("nova"), contract.API_PATHS["nova"], API_THREADS)
    metadata = wsgi_app.init_application("metadata", "nova-api-metadata")
    process.serve(metadata, contract.socket(contract.METADATA), "", METADATA_THREADS)
    if CONF.vnc.enabled:
        _serve_consoles(process)


def _prepare_workers() -> None:
    """What nova-compute's own start does for the whole process."""
    import nova.privsep
    import os_brick
    import os_brick.privileged
    import os_vif
    import vif_plug_ovs.privsep
    from nova import objects, policy
    from nova.conf import CONF

    from onestack_runtime.serving import privilege

    privilege.in_process(nova.privsep, os_brick.privileged, vif_plug_ovs.privsep)
    os_brick.setup(CONF)
    os_vif.initialize()
    if _by_libvirt():
        from onestack_runtime.drivers.volumes import libvirt

        libvirt.register()
    # Otherwise the first check would load the policy rules.
    policy.init()
    objects.Service.enable_min_version_cache()


def _serve_consoles(process: Process) -> None:
    from onestack_runtime.runners import consoles

    server = consoles.Server(Path(contract.socket(contract.CONSOLE)))
    process.thread("consoles", server.serve_forever)
    process.at_end("consoles", server.shutdown)


class _Worker:
    """One of Nova's services, created again at each attempt to start it. With several (fake) hosts: one service for
    each."""

    def __init__(self, binary: str, topic: str, hosts: list[str], **more: Any) -> None:
        self.name = binary
        self._topic = topic
        self._hosts = hosts
        self._more = more
        self._services: list[Any] = []

    def start(self) -> None:
        """Start the service; when this returns, it listens on the message bus."""
        from nova import service

        _require_placement()
        for host in self._hosts[len(self._services) :]:
            made = service.Service.create(binary=self.name, topic=self._topic, host=host, **self._more)
            made.start()
            self._services.append(made)

    def drain(self) -> None:
        """Accept no new requests; wait for those in progress.

        Upstream's own `stop` of nova-compute waits for a thread that never ends (libvirt's connection events). It
        cleans up nothing else that the end of the process would not.
        """
        for each in self._services:
            series.here().nova_drains(each)
        # In parallel: with RabbitMQ each waits up to 5 s for its polling thread.
        with ThreadPoolExecutor(max(1, len(self._services))) as pool:
            list(pool.map(lambda each: each.rpcserver.stop(), self._services))
        for each in self._services:
            series.here().nova_finishes(each, DRAIN_SECONDS)


class _Compute(_Worker):
    """nova-compute."""

    def __init__(self, process: Process, hosts: list[str]) -> None:
        from nova.compute import rpcapi

        super().__init__("nova-compute", rpcapi.RPC_TOPIC, hosts, topic_alt=rpcapi.RPC_TOPIC_ALT)
        self._process = process

    def start(self) -> None:
        from nova import context
        from nova.objects import host_mapping

        super().start()
        if not nova_compute.is_alone():
            # The scheduler only considers hosts that are mapped to a cell; its own discovery is periodic.
            host_mapping.discover_hosts(context.get_admin_context())
        if _by_libvirt():
            host = self._services[0].manager.driver._host
            self._process.thread("libvirt", lambda: libvirt_connection.keep(host, self._process.wait))
            self._process.thread("tap interfaces", lambda: tap_interfaces.keep_up(self._process.wait))


def _by_libvirt() -> bool:
    from nova.conf import CONF

    return str(CONF.compute_driver) != contract.FAKE_COMPUTE_DRIVER


def _worker(name: str, process: Process) -> _Worker:
    from nova.conductor import rpcapi as conductor
    from nova.conf import CONF
    from nova.scheduler import rpcapi as scheduler

    hosts = [CONF.host]
    if name == CONDUCTOR:
        return _Worker("nova-conductor", conductor.RPC_TOPIC, hosts)
    if name == SCHEDULER:
        return _Worker("nova-scheduler", scheduler.RPC_TOPIC, hosts)
    if CONF.compute_driver == contract.FAKE_COMPUTE_DRIVER:
        from onestack_runtime.drivers.fake_hosts import hosts as fake

        fake.prepare()
        hosts = fake.names()
    return _Compute(process, hosts)


def _require_placement() -> None:
    """Raise while Keystone or Placement does not answer or refuses our credentials.

    Otherwise the scheduler would exit, and nova-compute would wait a minute before it reports its inventory.
    """
    from nova import utils

    adapter = utils.get_ksa_adapter("placement")
    adapter.get("/resource_providers?name=none", raise_exc=True, connect_retries=0)


if __name__ == "__main__":
    main()
