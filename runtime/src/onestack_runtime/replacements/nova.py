"""Saves requests and database writes that Nova repeats for each server although nothing can have changed."""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement
from onestack_runtime.serving.threads import during

CACHE_SECONDS = 60.0
"""How long an answer about a network is cached within one request, which may create many servers."""
CACHE_SIZE = 1000
NO_REQUESTS = "[]"
"""A server's PCI requests as Nova stores them, if there are none."""
_SAVED = "_onestack_saved_requests"
_PORTS = "_onestack_seen_ports"


def _physical_network(upstream: Any) -> tuple[Any, ...]:
    """Nova reads which physical network a network is on for every API request, and again for every port it binds: two
    Neutron requests each time, and each of them costs about a tenth of creating the port."""
    cache: OrderedDict[tuple[str, str], tuple[float, Any]] = OrderedDict()
    guard = threading.Lock()

    def _get_physnet_tunneled_info(self: Any, context: Any, neutron: Any, net_id: str) -> Any:
        request = getattr(context, "request_id", None)
        if not neutron.admin or not request:
            # Whether the network is visible depends on the user.
            return upstream(self, context, neutron, net_id)
        now = time.monotonic()
        since, answer = cache.get((request, net_id), (float("-inf"), None))
        if now - since > CACHE_SECONDS:
            answer = upstream(self, context, neutron, net_id)
            with guard:
                cache[request, net_id] = (now, answer)
                while len(cache) > CACHE_SIZE:
                    cache.popitem(last=False)
        return answer

    return (_get_physnet_tunneled_info,)


def _port_checks(upstream_show_port: Any, *checks: Any) -> tuple[Any, ...]:
    """Within one request, the first check of a new server's ports reads them from Neutron; later ones reuse them.

    A check that reads with Nova's own rights reuses only what was read as an administrator: Neutron does not show
    other users all fields of a port.
    """
    current = threading.local()

    def _show_port(
        self: Any, context: Any, port_id: str, neutron_client: Any = None, fields: Any = None
    ) -> Any:
        stage = getattr(current, "check", None)
        ports: dict[Any, Any] = vars(context).setdefault(_PORTS, {}) if stage else {}
        # A copy of the context with other rights shares this dictionary.
        key = (context.is_admin, port_id)
        if stage == "later" and key in ports and (neutron_client is None or context.is_admin):
            return ports[key]
        port = upstream_show_port(self, context, port_id, neutron_client=neutron_client, fields=fields)
        if stage == "first" and not fields:
            ports[key] = port
        return port

    def within(stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            with during(current, "check", stage):
                return call(*args, **named)

        return called

    first, *later = checks
    return _show_port, within("first", first), *(within("later", each) for each in later)


def _pci_requests(upstream_save_requests: Any, upstream_save: Any, upstream_refresh: Any) -> tuple[Any, ...]:
    """Stores once that a server has no PCI requests, not at every change of the server."""

    def _save_pci_requests(self: Any, context: Any) -> None:
        wanted = self.pci_requests.to_json()
        if not wanted == vars(self).get(_SAVED) == NO_REQUESTS:
            upstream_save_requests(self, context)
        vars(self)[_SAVED] = wanted

    def saved(self: Any, *args: Any, **named: Any) -> Any:
        try:
            return upstream_save(self, *args, **named)
        except BaseException:
            vars(self).pop(_SAVED, None)
            raise

    def refreshed(self: Any, *args: Any, **named: Any) -> Any:
        # The refreshed object may contain another process's change.
        vars(self).pop(_SAVED, None)
        return upstream_refresh(self, *args, **named)

    return _save_pci_requests, saved, refreshed


def _allocations(upstream: Any) -> tuple[Any, ...]:
    """Nova reads the allocations of every server on the host, one request each, whenever it creates a server.

    They are needed only to reshape resource providers: by a driver at nova-compute's start, and at any time if PCI
    devices are reported to Placement.
    """
    from nova.conf import CONF

    started: weakref.WeakKeyDictionary[Any, set[str]] = weakref.WeakKeyDictionary()

    def get_allocations_for_provider_tree(self: Any, context: Any, nodename: str) -> Any:
        if nodename in started.get(self, ()) and not CONF.pci.report_in_placement:
            return {}
        allocations = upstream(self, context, nodename)
        started.setdefault(self, set()).add(nodename)
        return allocations

    return (get_allocations_for_provider_tree,)


class Reentrant:
    """An attribute that holds a reentrant lock, whatever lock is assigned to it."""

    name = "_wrapped_conn_lock"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else vars(owner)[self.name]

    def __set__(self, owner: Any, lock: Any) -> None:
        vars(owner)[self.name] = threading.RLock()


def _reentrant_lock(absent: None) -> tuple[Any, ...]:
    """Nova holds a lock while it asks libvirtd whether the connection is good.

    If it is not, libvirt may call Nova back in the same thread (here: if libvirtd has just ended), and the callback
    takes the same lock: with threads, this is a deadlock, and no server on this host can be created,
    changed or stopped any more.
    """
    return (Reentrant(),)


_RUNNERS = ("nova",)
_API = "nova.network.neutron:API"
_HOST = "nova.virt.libvirt.host:Host"
_INSTANCE = "nova.objects.instance:Instance"

ENTRIES = (
    Replacement(
        "libvirt-lock",
        (f"{_HOST}.{Reentrant.name}",),
        _RUNNERS,
        "required",
        "the lock of libvirt's connection is reentrant: otherwise Nova deadlocks when libvirtd ends during a "
        "connection check",
        _reentrant_lock,
        uses=(f"{_HOST}.__init__", f"{_HOST}._get_connection", f"{_HOST}._connection_closed"),
        workers=("compute",),
    ),
    Replacement(
        "physical-network",
        (f"{_API}._get_physnet_tunneled_info",),
        _RUNNERS,
        "performance",
        "a network's physical network is read once in each request, not twice for each port",
        _physical_network,
        NOT_ALONE,
        uses=("nova.network.neutron:ClientWrapper.__init__", "nova.context:RequestContext.__init__"),
    ),
    Replacement(
        "port-checks",
        (
            f"{_API}._show_port",
            f"{_API}.validate_networks",
            f"{_API}.is_remote_managed_port",
            f"{_API}._get_port_vnic_info",
        ),
        _RUNNERS,
        "performance",
        "the checks of a new server's ports read each port from Neutron once in each request, not three times",
        _port_checks,
        NOT_ALONE,
        workers=("api",),
    ),
    Replacement(
        "no-pci-requests",
        (f"{_INSTANCE}._save_pci_requests", f"{_INSTANCE}.save", f"{_INSTANCE}.refresh"),
        _RUNNERS,
        "performance",
        "that a server has no PCI requests is written to the database once, not at each change of the server",
        _pci_requests,
        NOT_ALONE,
        uses=("nova.objects.instance_pci_requests:InstancePCIRequests.to_json",),
        workers=("api", "conductor", "scheduler"),
    ),
    Replacement(
        "host-allocations",
        ("nova.scheduler.client.report:SchedulerReportClient.get_allocations_for_provider_tree",),
        _RUNNERS,
        "performance",
        "the allocations of all servers of a host are read only where they are used: at the start, and with PCI "
        "devices in Placement",
        _allocations,
        "one request fewer for each server of the host when a server is created or deleted (CHANGELOG); not measured "
        "alone",
        uses=("nova.compute.resource_tracker:ResourceTracker._update_to_placement",),
        workers=("compute",),
    ),
)
