"""Skips port events from OVN to Neutron, and from Neutron to Nova, that report a state which is known already.

OVN reports every new port as down. Neutron then sets it DOWN, which it is already, in several transactions; and under
load it handles the event late. A port of a fake host (`fake_hosts`), which OVN never reports as up, is ACTIVE by
then, as its binding says; it was set DOWN for good, and Nova was notified that its interface was gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement

DOWN = "DOWN"
EVENTS_SECONDS = 0.05
"""How long events to Nova are gathered after some were sent."""
State = Iterable[tuple[str, str | None]]
"""Of a port: its status, and the host of each of its bindings."""


def known(port_id: str) -> State:
    """What Neutron's database has, by one query."""
    from neutron.db import models_v2
    from neutron.plugins.ml2 import models
    from neutron_lib import context
    from neutron_lib.db import api as database

    port, binding = models_v2.Port, models.PortBinding
    asking = context.get_admin_context()
    with database.CONTEXT_READER.using(asking):
        query = asking.session.query(port.status, binding.host)
        query = query.outerjoin(binding, binding.port_id == port.id)
        return [tuple(row) for row in query.filter(port.id == port_id)]


def is_unmoved(state: State, was_up: bool) -> bool:
    """Whether it changes nothing that a port is down. Of one that is not there upstream says so in its log.

    `was_up`: OVN still has the host where it was.
    """
    found = list(state)
    # What is not bound needs no mark that keeps it from becoming ACTIVE: its binding makes one.
    return bool(found) and not was_up and all(status == DOWN and not host for status, host in found)


def _of_fake_hosts(tell: Any) -> tuple[Any, ...]:
    from onestack_runtime.drivers.fake_hosts import binding

    def run(self: Any, event: str, row: Any, old: Any) -> None:
        # Also where its binding is being made: it has its host a moment before it is ACTIVE.
        if any(row.up) or not binding.is_used() or not _is_fake(row.name, binding.is_fake):
            tell(self, event, row, old)

    return (run,)


def _is_fake(port_id: str, is_fake: Any) -> bool:
    return any(host and is_fake(host) for _, host in known(port_id))


def _of_new_ports(tell: Any) -> tuple[Any, ...]:
    from neutron.common.ovn.constants import OVN_HOST_ID_EXT_ID_KEY

    def run(self: Any, event: str, row: Any, old: Any) -> None:
        if any(row.up) or not is_unmoved(known(row.name), OVN_HOST_ID_EXT_ID_KEY in row.external_ids):
            tell(self, event, row, old)

    return (run,)


def _ring(ask: Any) -> tuple[Any, ...]:
    """Neutron reads once a minute when each process last gave a heartbeat, and gives its own with each event when the
    one it read of is older than a quarter of that: three quarters of the time. Who asks gives it."""
    from neutron.common.ovn.constants import HASH_RING_TOUCH_INTERVAL
    from oslo_utils import timeutils

    pause = timedelta(seconds=HASH_RING_TOUCH_INTERVAL)
    given: dict[str, datetime] = {}

    def get_node(self: Any, key: Any) -> Any:
        node, read = ask(self, key)
        at = timeutils.utcnow()
        last = max(read or datetime.min, given.get(node, datetime.min))
        if at - last >= pause:
            given[node] = at
        return node, last

    return (get_node,)


class Interval:
    """EVENTS_SECONDS, whatever an object is given under this name."""

    name = "batch_interval"

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else EVENTS_SECONDS

    def __set__(self, owner: Any, seconds: float) -> None:
        """Upstream's option allows whole seconds only, which every guest that boots would wait."""


def _interval(absent: None) -> tuple[Any, ...]:
    return (Interval(),)


_HERE = ("neutron",)
_WORKERS = ("api",)
_NOTIFIER = "neutron.notifiers.batch_notifier:BatchNotifier"
_MONITOR = "neutron.plugins.ml2.drivers.ovn.mech_driver.ovsdb.ovsdb_monitor"
_CREATED = f"{_MONITOR}:LogicalSwitchPortCreateEvent.run"
_READS = (
    "neutron.db.models_v2:Port",
    "neutron.plugins.ml2.models:PortBinding",
    "neutron_lib.context:get_admin_context",
    "neutron_lib.db.api:CONTEXT_READER",
)

ENTRIES = (
    Replacement(
        "fake-hosts-ports",
        (_CREATED,),
        _HERE,
        "required",
        "ports of fake hosts stay ACTIVE, which OVN never sees up; on a cloud of others it does nothing",
        _of_fake_hosts,
        uses=_READS,
        workers=_WORKERS,
    ),
    Replacement(
        "new-ports-are-down",
        (_CREATED,),
        _HERE,
        "performance",
        "what OVN says of a new port, that it is down, is passed over where the database has it so",
        _of_new_ports,
        f"with the questions about ports, a seventh of Neutron's work for each server (f2b7871); {NOT_ALONE}",
        uses=(
            *_READS,
            "neutron.common.ovn.constants:OVN_HOST_ID_EXT_ID_KEY",
            "neutron.plugins.ml2.drivers.ovn.mech_driver.mech_driver:OVNMechanismDriver.set_port_status_down",
        ),
        workers=_WORKERS,
    ),
    Replacement(
        "ring-heartbeat",
        ("neutron.common.ovn.hash_ring_manager:HashRingManager.get_node",),
        _HERE,
        "performance",
        "a heartbeat is written into OVN's ring of event handlers every 15 s, not with every event of OVN's",
        _ring,
        f"one transaction fewer with three of four events of OVN's; {NOT_ALONE}",
        uses=(
            "neutron.common.ovn.constants:HASH_RING_TOUCH_INTERVAL",
            f"{_MONITOR}:OvnIdlDistributedLock.notify",
        ),
        workers=_WORKERS,
    ),
    Replacement(
        "events-at-once",
        (f"{_NOTIFIER}.{Interval.name}",),
        _HERE,
        "performance",
        "after events were sent to Nova, further ones are gathered for 0.05 s; upstream's option has 1 s at least",
        _interval,
        "up to two seconds for each server that boots (upstream's default); not measured alone",
        uses=(f"{_NOTIFIER}.__init__", f"{_NOTIFIER}.queue_event"),
        workers=_WORKERS,
    ),
)
