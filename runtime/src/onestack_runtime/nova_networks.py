"""What Nova asks Neutron for each server, once instead of again and again.

About a network: what its physical network is, and whether it is a tunnel. Nova asks twice for each port of each new
server, two requests each time, and each costs Neutron as much as a tenth of making the port. Both are fixed when a
network is made; only segments may be added to it later.

About a port: each of three checks before a server is made asks for it anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from onestack_runtime.threads import during

SECONDS = 60.0
"""How long an answer is good for."""
MOST = 1000
_SEEN = "_onestack_seen_ports"


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


def look_once(api: Any) -> None:
    """The checks of a new server's ports look at what the first of them was told, in the same request.

    `api`: as above. Where Nova asks for itself, not as the user who asks Nova, only what an administrator was told
    will do: others are not shown all of a port.
    """
    show = api._show_port
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

    api._show_port = _show_port
    api.validate_networks = within("first", api.validate_networks)
    api.is_remote_managed_port = within("later", api.is_remote_managed_port)
    api._get_port_vnic_info = within("later", api._get_port_vnic_info)
