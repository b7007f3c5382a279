"""What Nova asks, and writes down, again for each server that it makes, although it cannot have changed."""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement
from onestack_runtime.serving.threads import during

SECONDS = 60.0
"""How long an answer about a network is good for within one request, which may make many servers."""
MOST = 1000
NO_REQUESTS = "[]"
"""A server's requests for PCI devices as Nova writes them down, where there are none."""
_SAVED = "_onestack_saved_requests"
_SEEN = "_onestack_seen_ports"


def _physical_network(ask: Any) -> tuple[Any, ...]:
    """Nova asks for it when a request comes, and for each port when it is connected: two requests each time, each of
    which costs Neutron as much as a tenth of making the port."""
    known: OrderedDict[tuple[str, str], tuple[float, Any]] = OrderedDict()
    guard = threading.Lock()

    def _get_physnet_tunneled_info(self: Any, context: Any, neutron: Any, net_id: str) -> Any:
        request = getattr(context, "request_id", None)
        if not neutron.admin or not request:
            # Whether it sees the network at all depends on who it is.
            return ask(self, context, neutron, net_id)
        now = time.monotonic()
        since, answer = known.get((request, net_id), (float("-inf"), None))
        if now - since > SECONDS:
            answer = ask(self, context, neutron, net_id)
            with guard:
                known[request, net_id] = (now, answer)
                while len(known) > MOST:
                    known.popitem(last=False)
        return answer

    return (_get_physnet_tunneled_info,)


def _port_checks(show: Any, *checks: Any) -> tuple[Any, ...]:
    """The checks of a new server's ports look at what the first of them was told, in the same request.

    Where Nova asks for itself, not as the user who asks Nova, only what an administrator was told will do: others are
    not shown all of a port.
    """
    here = threading.local()

    def _show_port(
        self: Any, context: Any, port_id: str, neutron_client: Any = None, fields: Any = None
    ) -> Any:
        check = getattr(here, "check", None)
        seen: dict[Any, Any] = vars(context).setdefault(_SEEN, {}) if check else {}
        # A copy of the context, of another's rights, shares what was seen.
        key = (context.is_admin, port_id)
        if check == "later" and key in seen and (neutron_client is None or context.is_admin):
            return seen[key]
        port = show(self, context, port_id, neutron_client=neutron_client, fields=fields)
        if check == "first" and not fields:
            seen[key] = port
        return port

    def within(check: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            with during(here, "check", check):
                return call(*args, **named)

        return called

    first, *later = checks
    return _show_port, within("first", first), *(within("later", each) for each in later)


def _devices(note: Any, save: Any, refresh: Any) -> tuple[Any, ...]:
    """That a server wants no PCI devices is written down once, not whenever anything else about it is."""

    def _save_pci_requests(self: Any, context: Any) -> None:
        wanted = self.pci_requests.to_json()
        if not wanted == vars(self).get(_SAVED) == NO_REQUESTS:
            note(self, context)
        vars(self)[_SAVED] = wanted

    def saved(self: Any, *args: Any, **named: Any) -> Any:
        try:
            return save(self, *args, **named)
        except BaseException:
            vars(self).pop(_SAVED, None)
            raise

    def refreshed(self: Any, *args: Any, **named: Any) -> Any:
        # It may have got what somebody else wrote.
        vars(self).pop(_SAVED, None)
        return refresh(self, *args, **named)

    return _save_pci_requests, saved, refreshed


def _allocations(ask: Any) -> tuple[Any, ...]:
    """One call for each server on the host: the time of making a server grows with their number.

    They are used where providers are reshaped: by a driver at nova-compute's start, and, where PCI devices are in
    Placement, at any time.
    """
    from nova.conf import CONF

    started: weakref.WeakKeyDictionary[Any, set[str]] = weakref.WeakKeyDictionary()

    def get_allocations_for_provider_tree(self: Any, context: Any, nodename: str) -> Any:
        if nodename in started.get(self, ()) and not CONF.pci.report_in_placement:
            return {}
        told = ask(self, context, nodename)
        started.setdefault(self, set()).add(nodename)
        return told

    return (get_allocations_for_provider_tree,)


class Reentrant:
    """A lock that its owner may take again, whatever lock an object is given under this name."""

    name = "_wrapped_conn_lock"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else vars(owner)[self.name]

    def __set__(self, owner: Any, lock: Any) -> None:
        vars(owner)[self.name] = threading.RLock()


def _reentrant_lock(absent: None) -> tuple[Any, ...]:
    """Nova holds a lock while it asks libvirtd whether the connection is good.

    If it is not, libvirt may call Nova back in that very thread (here: where libvirtd ended a moment before), and the
    callback takes the same lock: with threads, that is for ever, and no server can be made, changed or ended on this
    host any more.
    """
    return (Reentrant(),)


_HERE = ("nova",)
_API = "nova.network.neutron:API"
_HOST = "nova.virt.libvirt.host:Host"
_INSTANCE = "nova.objects.instance:Instance"

ENTRIES = (
    Replacement(
        "libvirt-lock",
        (f"{_HOST}.{Reentrant.name}",),
        _HERE,
        "required",
        "the lock of libvirt's connection may be taken again by the thread that holds it: else Nova waits for itself "
        "for ever when libvirtd ends while it is asked",
        _reentrant_lock,
        uses=(f"{_HOST}.__init__", f"{_HOST}._get_connection", f"{_HOST}._connection_closed"),
    ),
    Replacement(
        "physical-network",
        (f"{_API}._get_physnet_tunneled_info",),
        _HERE,
        "performance",
        "which physical network a network is on is asked once in each request, not twice for each port",
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
        _HERE,
        "performance",
        "the checks of a new server's ports ask Neutron for each port once in each request, not three times",
        _port_checks,
        NOT_ALONE,
    ),
    Replacement(
        "no-pci-requests",
        (f"{_INSTANCE}._save_pci_requests", f"{_INSTANCE}.save", f"{_INSTANCE}.refresh"),
        _HERE,
        "performance",
        "that a server wants no PCI devices is written into the database once, not at each change of the server",
        _devices,
        NOT_ALONE,
        uses=("nova.objects.instance_pci_requests:InstancePCIRequests.to_json",),
    ),
    Replacement(
        "host-allocations",
        ("nova.scheduler.client.report:SchedulerReportClient.get_allocations_for_provider_tree",),
        _HERE,
        "performance",
        "the allocations of all servers of a host are asked for where they are used: at the start, and with PCI "
        "devices in Placement",
        _allocations,
        "a request fewer for each server of the host whenever a server comes or goes (CHANGELOG); not measured alone",
        uses=("nova.compute.resource_tracker:ResourceTracker._update_to_placement",),
    ),
)
