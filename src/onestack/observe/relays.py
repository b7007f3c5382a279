"""Passes on the metrics that parts of the cloud export themselves, so that they need no ports between hosts: who may
ask the exporter may ask them, and nobody else."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping

from onestack.platform.infrastructure.gateway import METRICS_SOCKET
from onestack.platform.infrastructure.prometheus import HAPROXY_PATH, RABBITMQ_PATH
from onestack.platform.places import BUS_METRICS_PORT
from onestack.platform.site import Site

SECONDS = 3.0
"""The timeout of one request."""
_BACKENDS = "/metrics?scope=global&scope=frontend&scope=backend"
"""Not each server: most backends have one."""
Place = tuple[str | int, str]
"""A socket of the cloud's or a port on loopback, and what is asked for there."""
RELAYS: Mapping[str, Place] = {
    HAPROXY_PATH: (METRICS_SOCKET, _BACKENDS),
    RABBITMQ_PATH: (BUS_METRICS_PORT, "/metrics"),
}


def get(site: Site, path: str) -> bytes:
    """The metrics of the part at `path`. Raises KeyError for an unknown path, OSError."""
    where, what = RELAYS[path]

    def connect() -> socket.socket:
        if isinstance(where, int):
            return socket.create_connection(("127.0.0.1", where), SECONDS)
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.settimeout(SECONDS)
        found.connect(str(site.here.outside(where)))
        return found

    asking = http.client.HTTPConnection("localhost", timeout=SECONDS)
    try:
        asking.sock = site.here.network.call(connect)
        asking.request("GET", what)
        response = asking.getresponse()
        body = response.read()
        if response.status != 200:
            raise OSError(f"{path}: HTTP {response.status}")
        return body
    except http.client.HTTPException as error:
        raise OSError(f"{path}: {error}") from error
    finally:
        asking.close()
