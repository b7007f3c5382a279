"""Connections to other services notice within seconds that the address of the APIs has moved to another host.

The host that has the address now resets a connection that it does not know, as soon as a packet comes. A request that
waits for its answer sends none: keystoneauth has the kernel send a probe after a minute, and has no option for it.
"""

from __future__ import annotations

import socket
from typing import Any

from onestack_runtime.replacements.entry import Replacement

PROBED = 5
"""Seconds without a packet after which the kernel probes a connection; afterwards every `BETWEEN` seconds."""
BETWEEN = 3
LOST = 4
"""So many probes without an answer end a connection."""
UNACKNOWLEDGED = 1000 * (PROBED + LOST * BETWEEN)
"""Milliseconds after which a connection ends whose packets nobody acknowledges."""

OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, PROBED),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, BETWEEN),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, LOST),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED),
)


def _probes(upstream: Any) -> tuple[Any, ...]:
    def init_poolmanager(self: Any, *args: Any, **named: Any) -> None:
        # Upstream's own are used only where a caller gives none.
        named.setdefault("socket_options", list(OPTIONS))
        upstream(self, *args, **named)

    return (init_poolmanager,)


ENTRIES = (
    Replacement(
        "connection-probes",
        ("keystoneauth1.session:TCPKeepAliveAdapter.init_poolmanager",),
        ("cinder", "glance", "horizon", "neutron", "nova", "octavia", "placement"),
        "required",
        "a request to a host that is lost ends within seconds; keystoneauth notices it after a minute, and while data"
        " are not acknowledged after a quarter of an hour. Its values are not options",
        _probes,
    ),
)
