"""Serves a WSGI application on a unix socket, below a path, with a bounded number of threads.

The API gateway (HAProxy) passes the path unchanged; the application sees it as SCRIPT_NAME, as it would below
`/compute` behind Apache. A `Location` header without this path, as Glance sends, is corrected, as Apache's
`ProxyPassReverse` does. Each request's WSGI environment contains a cache of validated tokens for keystonemiddleware
(`[keystone_authtoken] cache`).
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cheroot import wsgi

from onestack_runtime import contract
from onestack_runtime.serving.body import Gateway
from onestack_runtime.serving.health import Application, Environ, Health, StartResponse
from onestack_runtime.serving.token_cache import TokenCache

LOG = logging.getLogger(__name__)

MODE = 0o660
SHUTDOWN_SECONDS = 5
IDLE_SECONDS = 3600
"""Longer than the API gateway keeps an idle connection: if the server closed it first, a request could be lost."""
BACKLOG = 128


class Mount:
    """Serves an application below a path, and the health check."""

    def __init__(self, application: Application, path: str, health: Health) -> None:
        self._application = application
        self._path = f"/{path}" if path else ""
        self._health = health
        self._tokens = TokenCache()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        below = path[len(self._path) :]
        if not path.startswith(self._path) or (below and not below.startswith("/")):
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        if below == contract.HEALTH_PATH:
            return self._health(environ, start_response)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._path
        environ["PATH_INFO"] = below or "/"
        environ[contract.TOKEN_CACHE] = self._tokens
        # Placement cannot enable its own middleware for this, since it does not read the option. Without these lines
        # its `Location` header would say http to clients that use https.
        if (scheme := environ.get("HTTP_X_FORWARDED_PROTO")) in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        if not self._path:
            return self._application(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            host = environ.get("HTTP_HOST", "")
            return start_response(status, [_below(self._path, host, each) for each in headers], *more)

        return self._application(environ, start)


def _below(path: str, host: str, header: tuple[str, str]) -> tuple[str, str]:
    """The header, unless it is a `Location` on this host that is not below `path`: then `path` is prepended."""
    name, value = header
    if name.lower() != "location":
        return header
    parts = urlsplit(value)
    other_host = parts.netloc not in ("", host) or not parts.path.startswith("/")
    if other_host or parts.path == path or parts.path.startswith(f"{path}/"):
        return header
    return name, parts._replace(path=path + parts.path).geturl()


class Server(wsgi.Server):
    """cheroot's threaded server, with the socket's mode and group for the API gateway, and with our logging."""

    def __init__(self, application: Application, socket: str, threads: int) -> None:
        path = Path(socket)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        super().__init__(
            str(path),
            application,
            numthreads=threads,
            max=threads,
            request_queue_size=BACKLOG,
            timeout=IDLE_SECONDS,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        self.gateway = Gateway
        # An idle connection of the API gateway takes a file descriptor, but no thread.
        self.keep_alive_conn_limit = 512

    def bind_unix_socket(self, bind_addr: str) -> object:
        sock: object = super().bind_unix_socket(bind_addr)  # type: ignore[no-untyped-call]
        path = Path(bind_addr)
        path.chmod(MODE)
        try:
            shutil.chown(path, group=contract.GATEWAY_GROUP)
        except LookupError:
            # The system has no such group.
            LOG.info(
                "there is no group %s: only this process's user can open %s", contract.GATEWAY_GROUP, path
            )
        return sock

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        LOG.log(level, "%s", msg, exc_info=traceback)
