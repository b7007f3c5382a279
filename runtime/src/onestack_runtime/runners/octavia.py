"""Octavia: its API, the driver agent's listeners, and the providers' own work as threads of one process.

These providers need no other process of upstream's: no worker, no health manager. Of housekeeping's tasks only the
removal of deleted balancers' rows applies here; the worker of the provider haproxy does that.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any

from onestack_runtime import contract
from onestack_runtime.paths import RUN, configuration, folder
from onestack_runtime.replacements import registry
from onestack_runtime.serving import threads, workers
from onestack_runtime.serving.process import Process

LOG = logging.getLogger(__name__)

WORKERS = API, BALANCERS = contract.API_ONLY, "balancers"
API_THREADS = 8
STOP_SECONDS = 15.0
LISTEN_SECONDS = 30.0
"""How long the driver agent's sockets may take to appear."""


def main() -> None:
    threads.native()
    registry.install("octavia")
    folder(RUN / "octavia", 0o700)
    folder(Path(contract.BALANCERS), 0o711)
    folder(Path(contract.CERTIFICATES), 0o700)
    providers = _providers()
    if "ovn" in providers:
        # This import registers options, which must happen before the configuration is read.
        import ovn_octavia_provider.driver  # noqa: F401
    from octavia.api import app
    from octavia.common import service
    from oslo_config import cfg

    words = ["octavia-api", *(f"--config-file={file}" for file in configuration("octavia"))]
    service.prepare_service(words)
    # OVN's provider connects to the agent's sockets as soon as it is loaded, and Octavia skips a provider that cannot
    # be loaded.
    agent = _DriverAgent()
    agent.start()
    # `setup_app` reads the configuration itself, and fails if it was read before.
    cfg.CONF.clear()
    application = app.setup_app(argv=words)
    process = Process("octavia", STOP_SECONDS)
    process.at_end("driver agent", agent.stop)
    process.serve(application, contract.socket("octavia"), contract.API_PATHS["octavia"], API_THREADS)
    # Where the balancers are not on this host, there is only the API: their worker would not know this host's.
    if contract.BALANCER_PROVIDER in providers and BALANCERS in workers.chosen(WORKERS):
        from onestack_runtime.drivers.balancer.worker import Worker

        worker = Worker()
        process.worker("provider haproxy", worker.start, worker.stop)
    if "ovn" in providers:
        process.worker("provider ovn", agent.ovn)
    process.run()


def _providers() -> list[str]:
    """The names of the enabled providers, read from the file, since Octavia has not read its configuration yet."""
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    parser.read(configuration("octavia"))
    enabled = parser.get("api_settings", "enabled_provider_drivers")
    return [each.partition(":")[0].strip() for each in enabled.split(",")]


class _DriverAgent:
    """The three sockets through which octavia-lib reaches Octavia's database."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Listen on the sockets; they exist when this returns. Raises TimeoutError after LISTEN_SECONDS."""
        from octavia.api.drivers.driver_agent import driver_listener
        from oslo_config import cfg

        settings = cfg.CONF.driver_agent
        places = [
            Path(place)
            for place in (settings.status_socket_path, settings.stats_socket_path, settings.get_socket_path)
        ]
        for place in places:
            place.unlink(missing_ok=True)
        for body in (
            driver_listener.status_listener,
            driver_listener.stats_listener,
            driver_listener.get_listener,
        ):
            self._thread(body)
        # Not checked by connecting: a listener would wait for ever for the request of a client that disconnects.
        deadline = time.monotonic() + LISTEN_SECONDS
        while missing := [str(place) for place in places if not place.exists()]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {LISTEN_SECONDS:.0f} s for {', '.join(missing)}")
            time.sleep(0.02)

    def ovn(self) -> None:
        """Start OVN's provider's own agent, which reports members' health and uses Neutron as soon as it runs.

        Raises while Keystone or Neutron does not answer.
        """
        from ovn_octavia_provider.agent import OvnProviderAgent
        from ovn_octavia_provider.common import clients

        clients.get_neutron_client()
        self._thread(OvnProviderAgent)

    def _thread(self, body: Any) -> None:
        thread = threading.Thread(target=body, args=(self._ended,), name=body.__name__, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """Stop listening."""
        self._ended.set()
        for each in self._threads:
            each.join(3)


if __name__ == "__main__":
    main()
