"""TLS between hosts, for what the tool's own processes say to each other: each has its host's certificate."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from onestack.platform.places import CA, HOST_CERTIFICATE, HOST_KEY

if TYPE_CHECKING:
    from onestack.platform.node import Node


def server(node: Node) -> ssl.SSLContext:
    """TLS with this host's certificate, for clients with a certificate of the cloud's CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(node.outside(HOST_CERTIFICATE), node.outside(HOST_KEY))
    context.load_verify_locations(node.outside(CA))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def client(node: Node) -> ssl.SSLContext:
    """TLS as a client with this host's certificate; servers must have one of the cloud's CA."""
    made = ssl.create_default_context(cafile=str(node.outside(CA)))
    made.load_cert_chain(node.outside(HOST_CERTIFICATE), node.outside(HOST_KEY))
    return made
