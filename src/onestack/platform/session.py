"""HTTP sessions that connect from a cloud's network, whichever network the calling thread is in."""

from __future__ import annotations

import socket
from typing import Any

import requests
from keystoneauth1.session import Session, TCPKeepAliveAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from onestack.host.netns import Network


def keystone_session(network: Network) -> type[Session]:
    """The session class for openstacksdk's option `session_constructor`."""

    class InNetwork(Session):
        def __init__(self, **options: Any) -> None:
            super().__init__(session=http_session(network), **options)

    return InNetwork


def http_session(network: Network) -> requests.Session:
    """A `requests` session."""
    session = requests.Session()
    adapter = _Adapter(network)
    for scheme in list(session.adapters):
        session.mount(scheme, adapter)
    return session


# A connection to an address that has moved to another host is reset at the first probe. A request that was sent
# before waits until then, and keystoneauth's own probes begin after a minute.
_PROBES = (
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)


class _Adapter(TCPKeepAliveAdapter):
    def __init__(self, network: Network) -> None:
        self._network = network
        super().__init__()

    def init_poolmanager(self, *words: Any, **options: Any) -> None:
        super().init_poolmanager(*words, socket_options=_PROBES, **options)
        network = self._network

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                with network.entered():
                    return super()._new_conn()

        class Encrypted(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                with network.entered():
                    return super()._new_conn()

        self.poolmanager.pool_classes_by_scheme = {
            "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain}),
            "https": type("EncryptedPool", (HTTPSConnectionPool,), {"ConnectionCls": Encrypted}),
        }
