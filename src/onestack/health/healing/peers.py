"""What compute hosts ask each other, and control hosts them: how long ago a host renewed its lease, and its state.

JSON over TLS, with certificates of the cloud's CA in both directions. No answer is an answer too: a host whose
processes are stopped completes TCP's handshake, but not TLS'.
"""

from __future__ import annotations

import json
import logging
import socket
import socketserver
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

from onestack.core.errors import PermanentError
from onestack.host.netns import Network
from onestack.platform.infrastructure.lease import SERVING
from onestack.platform.view import HostView

LOG = logging.getLogger("onestack.lease")
SECONDS = 1.0
"""How long an answer may take."""
LONGEST = 4096


class Server:
    """Answers with what `say` returns, until the process ends."""

    def __init__(
        self, address: str, port: int, context: ssl.SSLContext, network: Network, say: Callable[[], Any]
    ) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(5)
                with context.wrap_socket(self.request, server_side=True) as encrypted:
                    encrypted.sendall(json.dumps(say()).encode())

        class Listening(_Listening):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        try:
            self._server = network.call(lambda: Listening((address, port), Handler))
        except OSError as error:
            raise PermanentError(f"{address}:{port} cannot be bound: {error.strerror or error}") from error
        Thread(target=self._server.serve_forever, name="peers", daemon=True).start()


class _Listening(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        LOG.info("%s was refused, or has hung up", client_address)


def ask(host: HostView, port: int, context: ssl.SSLContext, network: Network) -> dict[str, Any] | None:
    """What a host's agent says; None if it does not answer."""
    try:
        with (
            network.call(lambda: socket.create_connection((host.address, port), SECONDS)) as plain,
            context.wrap_socket(plain, server_hostname=host.address) as encrypted,
        ):
            said = b""
            while len(said) < LONGEST and (more := encrypted.recv(LONGEST)):
                said += more
        found = json.loads(said)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def shakes_hands(host: HostView, port: int, context: ssl.SSLContext, network: Network) -> bool:
    """Whether a process of the host completes TLS' handshake on a port."""
    try:
        with (
            network.call(lambda: socket.create_connection((host.address, port), SECONDS)) as plain,
            context.wrap_socket(plain, server_hostname=host.address),
        ):
            return True
    except OSError:
        return False


def ages(hosts: Iterable[HostView], port: int, context: ssl.SSLContext, network: Network) -> dict[str, float]:
    """Of each host that answers and may run guests, the seconds since its last renewal."""
    asked = list(hosts)
    if not asked:
        return {}
    with ThreadPoolExecutor(min(16, len(asked))) as pool:
        found = pool.map(lambda each: ask(each, port, context, network), asked)
    return {
        host.name: float(said["age"])
        for host, said in zip(asked, found, strict=True)
        if said is not None and said.get("state") == SERVING and isinstance(said.get("age"), (int, float))
    }
