"""What Nova asks Neutron about a network for each server: what its physical network is, and whether it is a tunnel.

Nova asks twice for each port of each new server, two requests each time, and each costs Neutron as much as a tenth of
making the port. Both are fixed when a network is made; only segments may be added to it later.
"""

from __future__ import annotations

import time
from typing import Any

SECONDS = 60.0
"""How long an answer is good for."""
MOST = 1000


def remember(api: Any) -> None:
    """`api`: the class of Nova's client of Neutron, nova.network.neutron.API."""
    ask = api._get_physnet_tunneled_info
    known: dict[str, tuple[float, Any]] = {}

    def told(self: Any, context: Any, neutron: Any, net_id: str) -> Any:
        if not neutron.admin:
            # Whether it sees the network at all depends on who it is.
            return ask(self, context, neutron, net_id)
        now = time.monotonic()
        since, answer = known.get(net_id, (float("-inf"), None))
        if now - since > SECONDS:
            answer = ask(self, context, neutron, net_id)
            if len(known) >= MOST:
                known.clear()
            known[net_id] = (now, answer)
        return answer

    api._get_physnet_tunneled_info = told
