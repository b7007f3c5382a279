"""Guests' consoles in a browser: noVNC's page, and the proxy from its websocket to a guest's VNC server.

nova-novncproxy would be one more process, which forks a child for each console. Here a thread of the Nova process
runs Nova's own connection handler, which also validates the token.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

from nova.console.securityproxy import rfb
from nova.console.websocketproxy import NovaProxyRequestHandler

from onestack_runtime import contract
from onestack_runtime.serving.http import MODE

LOG = logging.getLogger(__name__)
PAGES = "/usr/share/novnc"
PATH = f"/{contract.CONSOLE_PATH}"


class Handler(NovaProxyRequestHandler):  # type: ignore[misc]
    """Nova's handler of one connection; requests that do not open a websocket get one of noVNC's files."""

    def translate_path(self, path: str) -> str:
        self.directory = PAGES
        return str(super().translate_path(path.removeprefix(PATH)))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a connection's request line contains its token."""


class Server(ThreadingMixIn, UnixStreamServer):
    """The server behind the API gateway: one daemon thread for each connection."""

    daemon_threads = True
    request_queue_size = 32

    # Attributes that the handler reads from its server, as in websockify.websocketproxy.LibProxyServer (which is for
    # TCP).
    only_upgrade = False
    file_only = True
    verbose = False
    heartbeat = 30
    token_plugin = None
    auth_plugin = None
    ws_connection = False
    handler_id = 0
    logger = LOG

    def __init__(self, place: Path) -> None:
        place.unlink(missing_ok=True)
        self.security_proxy = rfb.RFBSecurityProxy()
        super().__init__(str(place), Handler)
        place.chmod(MODE)
        shutil.chown(place, group=contract.GATEWAY_GROUP)

    def get_request(self) -> tuple[Any, Any]:
        """A connection, and a peer address for the log: the peer of a unix socket has none."""
        connection, _ = super().get_request()
        self.handler_id += 1
        return connection, ("gateway", 0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.warning("a console's connection ended", exc_info=True)
