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


VERSION = "/v2.0"
"""How the address of a client of Neutron ends that knows the API's version."""


class NotWhole(Exception):
    """Neutron did not say which version its API has; the client is not kept."""


def _network_clients(octavia: Any, ovn: Any) -> tuple[Any, ...]:
    """Both make one client, and keep it. The first thing that openstacksdk does with it is to ask Neutron for the
    version of its API; where Neutron is away at that moment, it goes on without one."""

    def get_neutron_client(cls: Any) -> Any:
        client = octavia.__get__(None, cls)()
        try:
            _require_version(client.network)
        except NotWhole:
            cls.neutron_client = None
            raise
        return client

    def of_ovn() -> Any:
        from octavia_lib.api.drivers import exceptions as driver_exceptions
        from ovn_octavia_provider.common import clients

        proxy = ovn()
        try:
            _require_version(proxy)
        except NotWhole as error:
            clients.Singleton._instances.pop(clients.NeutronAuth, None)
            # As upstream says that it has none.
            raise driver_exceptions.DriverError(operator_fault_string=str(error)) from error
        return proxy

    return classmethod(get_neutron_client), of_ovn


def _require_version(proxy: Any) -> None:
    place = str(proxy.get_endpoint())
    if not place.rstrip("/").endswith(VERSION):
        raise NotWhole(f"Neutron at {place} did not say which version its API has")


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
    Replacement(
        "network-clients",
        (
            "octavia.common.clients:NeutronAuth.get_neutron_client",
            "ovn_octavia_provider.common.clients:get_neutron_client",
        ),
        ("octavia",),
        "required",
        "a client of Neutron that was made while Neutron was away is not kept: it knows no version of the API, and "
        "its requests are answered with 404, long after Neutron is back",
        _network_clients,
        uses=(
            "ovn_octavia_provider.common.clients:Singleton.__call__",
            "ovn_octavia_provider.common.clients:NeutronAuth.__init__",
        ),
    ),
)
