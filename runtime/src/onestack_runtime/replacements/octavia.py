"""Octavia in a process with threads; its own names of its default provider stand for ours."""

from __future__ import annotations

import socketserver
from typing import Any

from onestack_runtime import contract
from onestack_runtime.replacements.entry import Replacement


class ThreadingServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """In place of the driver agent's own, which forks: a process with threads must not."""

    daemon_threads = True
    request_queue_size = 64


def _server(original: Any) -> tuple[Any, ...]:
    return (ThreadingServer,)


def _driver(upstream: Any) -> tuple[Any, ...]:
    from octavia.api.drivers import driver_factory

    def get_driver(provider: Any) -> Any:
        if provider not in contract.BALANCER_ALIASES or provider not in driver_factory.get_providers():
            return upstream(provider)
        driver = upstream(contract.BALANCER_PROVIDER)
        driver.name = provider
        return driver

    return (get_driver,)


_FACTORY = "octavia.api.drivers.driver_factory"
_LISTENER = "octavia.api.drivers.driver_agent.driver_listener"

ENTRIES = (
    Replacement(
        "driver-agent-threads",
        (f"{_LISTENER}:ForkingUDSServer",),
        ("octavia",),
        "required",
        "the driver agent answers each request in a thread: a process with threads must not fork",
        _server,
        uses=tuple(f"{_LISTENER}:{name}_listener" for name in ("status", "stats", "get")),
    ),
    Replacement(
        "provider-names",
        (f"{_FACTORY}:get_driver",),
        ("octavia",),
        "required",
        "OneStack's driver is loaded for the names `amphora` and `octavia` too: entry points by these names would "
        "stand beside upstream's own, and Octavia refuses a name that two packages give",
        _driver,
        uses=(f"{_FACTORY}:get_providers",),
    ),
)
