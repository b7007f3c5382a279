"""Skips OVN's events that do not change a port's state in Neutron's database; sends fewer heartbeats, and events to
Nova earlier.

OVN reports every new port as down. Neutron then sets it DOWN, which it is already, in several transactions; and under
load it handles the event late. A port of a fake host (`fake_hosts`) is ACTIVE as soon as it is bound, and OVN never
reports it as up. The late event set it DOWN for good, and Nova was notified that its interface was gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement

DOWN = "DOWN"
EVENTS_SECONDS = 0.05
"""How long events to Nova are batched after the previous batch."""
State = Iterable[tuple[str, str | None]]
"""A row for each binding of a port: the port's status, and the binding's host."""


def port_state(port_id: str) -> State:
    """A port's state in Neutron's database, by one query."""
    from neutron.db import models_v2
    from neutron.plugins.ml2 import models
    from neutron_lib import context
    from neutron_lib.db import api as database

    port, binding = models_v2.Port, models.PortBinding
    admin = context.get_admin_context()
    with database.CONTEXT_READER.using(admin):
        query = admin.session.query(port.status, binding.host)
        query = query.outerjoin(binding, binding.port_id == port.id)
        return [tuple(row) for row in query.filter(port.id == port_id)]


def is_down_already(state: State, was_up: bool) -> bool:
    """Whether an event that the port is down changes nothing. False for an unknown port: upstream logs that.

    `was_up`: OVN's row still names the host that the port was bound to.
    """
    rows = list(state)
    # Upstream marks a port that is down so that it does not become ACTIVE. Binding an unbound port does that too.
    return bool(rows) and not was_up and all(status == DOWN and not host for status, host in rows)


def _of_fake_hosts(upstream: Any) -> tuple[Any, ...]:
    from onestack_runtime.drivers.fake_hosts import binding

    def run(self: Any, event: str, row: Any, old: Any) -> None:
        # The host decides, not the status: a port that is being bound has its host a moment before it is ACTIVE.
        if any(row.up) or not binding.is_used() or not _is_fake(row.name, binding.is_fake):
            upstream(self, event, row, old)

    return (run,)


def _is_fake(port_id: str, is_fake: Any) -> bool:
    return any(host and is_fake(host) for _, host in port_state(port_id))


def _of_new_ports(upstream: Any) -> tuple[Any, ...]:
    from neutron.common.ovn.constants import OVN_HOST_ID_EXT_ID_KEY

    def run(self: Any, event: str, row: Any, old: Any) -> None:
        if any(row.up) or not is_down_already(
            port_state(row.name), OVN_HOST_ID_EXT_ID_KEY in row.external_ids
        ):
            upstream(self, event, row, old)

    return (run,)


def _ring(upstream: Any) -> tuple[Any, ...]:
    """Upstream caches for a minute when each node of the hash ring last sent a heartbeat. The node that handles an
    event sends a new heartbeat if the cached one is older than 15 s: in three quarters of each minute, with every
    event. Here the heartbeat that the caller of `get_node` will send is remembered at once."""
    from neutron.common.ovn.constants import HASH_RING_TOUCH_INTERVAL
    from oslo_utils import timeutils

    interval = timedelta(seconds=HASH_RING_TOUCH_INTERVAL)
    sent: dict[str, datetime] = {}

    def get_node(self: Any, key: Any) -> Any:
        node, cached = upstream(self, key)
        now = timeutils.utcnow()
        last = max(cached or datetime.min, sent.get(node, datetime.min))
        if now - last >= interval:
            sent[node] = now
        return node, last

    return (get_node,)


class Interval:
    """An attribute whose value is EVENTS_SECONDS, whatever is assigned to it."""

    name = "batch_interval"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else EVENTS_SECONDS

    def __set__(self, owner: Any, seconds: float) -> None:
        """Ignored: upstream's option allows whole seconds only, and each server's boot would be delayed by that
        time."""


def _interval(absent: None) -> tuple[Any, ...]:
    return (Interval(),)


_RUNNERS = ("neutron",)
_WORKERS = ("api",)
_NOTIFIER = "neutron.notifiers.batch_notifier:BatchNotifier"
_MONITOR = "neutron.plugins.ml2.drivers.ovn.mech_driver.ovsdb.ovsdb_monitor"
_CREATED = f"{_MONITOR}:LogicalSwitchPortCreateEvent.run"
_PORT_STATE = (
    "neutron.db.models_v2:Port",
    "neutron.plugins.ml2.models:PortBinding",
    "neutron_lib.context:get_admin_context",
    "neutron_lib.db.api:CONTEXT_READER",
)

ENTRIES = (
    Replacement(
        "fake-hosts-ports",
        (_CREATED,),
        _RUNNERS,
        "required",
        "ports of fake hosts, which OVN never reports as up, stay ACTIVE; without fake hosts it does nothing",
        _of_fake_hosts,
        uses=_PORT_STATE,
        workers=_WORKERS,
    ),
    Replacement(
        "new-ports-are-down",
        (_CREATED,),
        _RUNNERS,
        "performance",
        "OVN's event that a new port is down is skipped if the port is unbound and DOWN in Neutron's database",
        _of_new_ports,
        f"with the queries about ports, a seventh of Neutron's work for each server (f2b7871); {NOT_ALONE}",
        uses=(
            *_PORT_STATE,
            "neutron.common.ovn.constants:OVN_HOST_ID_EXT_ID_KEY",
            "neutron.plugins.ml2.drivers.ovn.mech_driver.mech_driver:OVNMechanismDriver.set_port_status_down",
        ),
        workers=_WORKERS,
    ),
    Replacement(
        "ring-heartbeat",
        ("neutron.common.ovn.hash_ring_manager:HashRingManager.get_node",),
        _RUNNERS,
        "performance",
        "a node of Neutron's OVN hash ring writes its heartbeat every 15 s, not with every event from OVN",
        _ring,
        f"one transaction less for three of four events from OVN; {NOT_ALONE}",
        uses=(
            "neutron.common.ovn.constants:HASH_RING_TOUCH_INTERVAL",
            f"{_MONITOR}:OvnIdlDistributedLock.notify",
        ),
        workers=_WORKERS,
    ),
    Replacement(
        "events-at-once",
        (f"{_NOTIFIER}.{Interval.name}",),
        _RUNNERS,
        "performance",
        "events to Nova are batched for 0.05 s after the previous batch; upstream's option allows no less than 1 s",
        _interval,
        "up to two seconds for each server that boots (upstream's default); not measured alone",
        uses=(f"{_NOTIFIER}.__init__", f"{_NOTIFIER}.queue_event"),
        workers=_WORKERS,
    ),
)
