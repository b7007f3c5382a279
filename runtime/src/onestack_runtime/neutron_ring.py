"""Neutron's sign of life in OVN's ring of event handlers: once in a while, not with every event of OVN's.

Who handles an event is decided by a ring of the processes that gave a sign of life lately. Neutron gives one when
an event comes and the last one that it knows of is older than a quarter of a minute; but it knows only what it read
from its database, once a minute. So three quarters of the time each event costs a transaction, and whoever waits for
OVN waits for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any


def touch_seldom(manager: Any, interval: float, now: Any) -> None:
    """`manager`: the class of Neutron's HashRingManager. `interval`: seconds between two signs. `now`: tells the time
    as the database has it.
    """
    ask = manager.get_node
    pause = timedelta(seconds=interval)
    given: dict[str, datetime] = {}

    def get_node(self: Any, key: Any) -> Any:
        node, read = ask(self, key)
        at = now()
        last = max(read or datetime.min, given.get(node, datetime.min))
        if at - last >= pause:
            # Who asked gives the sign now.
            given[node] = at
        return node, last

    manager.get_node = get_node
