"""Octavia in a process with threads, and OneStack's provider under the names of Octavia's default provider."""

from __future__ import annotations

import socketserver
from typing import Any

from onestack_runtime import contract
from onestack_runtime.replacements.entry import Replacement


class ThreadingServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Replaces the driver agent's server, which forks: a process with threads must not fork."""

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
"""The end of the endpoint of a Neutron client for which version discovery succeeded."""


class NoVersion(Exception):
    """Discovery of the Neutron API's version failed; the client is not cached."""


def _network_clients(upstream_of_octavia: Any, upstream_of_ovn: Any) -> tuple[Any, ...]:
    """Octavia and its OVN provider create a Neutron client once and cache it. openstacksdk's first request discovers
    the API's version; if Neutron is down at that moment, the client uses the endpoint without a version for ever."""

    def get_neutron_client(cls: Any) -> Any:
        client = upstream_of_octavia.__get__(None, cls)()
        try:
            _require_version(client.network)
        except NoVersion:
            cls.neutron_client = None
            raise
        return client

    def of_ovn() -> Any:
        from octavia_lib.api.drivers import exceptions as driver_exceptions
        from ovn_octavia_provider.common import clients

        proxy = upstream_of_ovn()
        try:
            _require_version(proxy)
        except NoVersion as error:
            clients.Singleton._instances.pop(clients.NeutronAuth, None)
            # The exception that upstream raises if it cannot create the client.
            raise driver_exceptions.DriverError(operator_fault_string=str(error)) from error
        return proxy

    return classmethod(get_neutron_client), of_ovn


def _require_version(proxy: Any) -> None:
    endpoint = str(proxy.get_endpoint())
    if not endpoint.rstrip("/").endswith(VERSION):
        raise NoVersion(f"Neutron at {endpoint} did not report its API's version")


_FACTORY = "octavia.api.drivers.driver_factory"
_LISTENER = "octavia.api.drivers.driver_agent.driver_listener"

ENTRIES = (
    Replacement(
        "driver-agent-threads",
        (f"{_LISTENER}:ForkingUDSServer",),
        ("octavia",),
        "required",
        "the driver agent handles each request in a thread: a process with threads must not fork",
        _server,
        uses=tuple(f"{_LISTENER}:{name}_listener" for name in ("status", "stats", "get")),
    ),
    Replacement(
        "provider-names",
        (f"{_FACTORY}:get_driver",),
        ("octavia",),
        "required",
        "OneStack's driver is also loaded under the names `amphora` and `octavia`: it cannot have entry points of "
        "these names beside upstream's own, since Octavia refuses a name that two packages provide",
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
        "a Neutron client that was created while Neutron was down is not cached: it does not know the API's version, "
        "and its requests are answered with 404 even after Neutron is back",
        _network_clients,
        uses=(
            "ovn_octavia_provider.common.clients:Singleton.__call__",
            "ovn_octavia_provider.common.clients:NeutronAuth.__init__",
        ),
    ),
)
