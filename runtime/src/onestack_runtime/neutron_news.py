"""What OVN says of new ports, where Neutron knows it already.

OVN tells of each new port that it is down. Neutron then marks it so, which it is, in several transactions; and it
hears of that late when it has much to do. A port of a pretended host (`fake_hosts`), which OVN never sees up, is
ACTIVE by then, as its binding says; it was marked DOWN for good, and Nova told that its card was gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

DOWN = "DOWN"
State = Iterable[tuple[str, str | None]]
"""Of a port: its status, and the host of each of its bindings."""


def leave_out_old(
    event: Any, ask: Callable[[str], State], is_unseen: Callable[[str], bool], where_up: str
) -> None:
    """`event`: the class of what OVN's driver does about new ports, LogicalSwitchPortCreateEvent. `ask`: what is
    known of a port. `is_unseen`: whether OVN never sees ports of a host up. `where_up`: under which name OVN keeps
    the host where a port is up.
    """
    tell = event.run

    def run(self: Any, kind: str, row: Any, old: Any) -> None:
        if any(row.up) or not is_old(ask(row.name), is_unseen, where_up in row.external_ids):
            tell(self, kind, row, old)

    event.run = run


def is_old(state: State, is_unseen: Callable[[str], bool], was_up: bool) -> bool:
    """Whether it changes nothing that a port is down. Of one that is not there upstream says so in its log.

    `was_up`: OVN still has the host where it was.
    """
    found = list(state)
    if any(host and is_unseen(host) for _, host in found):
        # Also where its binding is being made: it has its host a moment before it is ACTIVE.
        return True
    # What is not bound needs no mark that keeps it from becoming ACTIVE: its binding makes one.
    return bool(found) and not was_up and all(status == DOWN and not host for status, host in found)


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
