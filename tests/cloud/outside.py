"""A network namespace that plays the outside of a cloud: a gateway, a DNS server, an HTTP server.

It is plugged into the cloud's network namespace by a pair of interfaces; nothing leaves this machine, and nothing of
it shows there: another test may look at the machine meanwhile. The DNS server has the address that the cloud's
subnets hand out.
"""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from onestack import Cloud
from onestack.core.wait import until
from onestack.host.command import run
from onestack.host.netns import Network

GATEWAY, UPLINK = "198.51.100.1", "198.51.100.2"
"""The outside's end, and the cloud's: guests are seen outside under the second."""
SERVER, NAME = "203.0.113.80", "www.outside.example"
"""An HTTP server behind the gateway, and the name it has."""


@dataclass(frozen=True)
class Outside:
    """`resolver`: the DNS server's address; empty where the cloud's machine has none to hand out."""

    resolver: str


class _Page(BaseHTTPRequestHandler):
    """Answers with the address that asked."""

    def do_GET(self) -> None:
        text = f"{self.client_address[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words: object) -> None:
        """Says nothing."""


def answer(question: bytes) -> bytes:
    """The DNS answer to a query of one question: SERVER for NAME, nothing for all others."""
    end = question.index(b"\0", 12) + 5
    kind = question[end - 4 : end - 2]
    name = b"".join(bytes([len(part)]) + part.encode() for part in NAME.split("."))
    found = kind == b"\0\1" and question[12 : end - 5].lower() == name
    head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, int(found), 0, 0)
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(SERVER)
    return head + question[12:end] + (record if found else b"")


def _serve_names(names: socket.socket, done: threading.Event) -> None:
    # A thread that waited for ever would keep the socket, and with that the network namespace.
    names.settimeout(0.2)
    with names:
        while not done.is_set():
            with suppress(OSError, ValueError):
                question, asker = names.recvfrom(512)
                names.sendto(answer(question), asker)


@contextmanager
def _network_namespace() -> Iterator[int]:
    """A network namespace without a name; gives the id of the process that holds it."""
    with subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE) as holder:
        there, own = Path(f"/proc/{holder.pid}/ns/net"), Path("/proc/self/ns/net").readlink()
        until("a network namespace", lambda: (there.readlink() != own, str(own)), seconds=10, every=0.01)
        # It reads until the end of the body, or of this process.
        yield holder.pid


@contextmanager
def pretended(cloud: Cloud) -> Iterator[Outside]:
    """Plug an outside into a cloud that has a network namespace of its own."""
    assert cloud.network.is_own, "only a cloud with a network namespace of its own has no outside"
    resolver = next(iter(cloud.site.view.cloud.dns_servers), "")
    here = cloud.network.command([])
    with _network_namespace() as holder:
        handle = Path(f"/proc/{holder}/ns/net")
        there = ["nsenter", f"--net={handle}", "--"]
        pair = ("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "world", "netns", str(holder))
        run([*here, *pair])
        try:
            for enter, device, address in ((here, "uplink", UPLINK), (there, "world", GATEWAY)):
                run([*enter, "ip", "address", "add", f"{address}/24", "dev", device])
                run([*enter, "ip", "link", "set", device, "up"])
            run([*there, "ip", "link", "set", "lo", "up"])
            for address in filter(None, (SERVER, resolver)):
                run([*there, "ip", "address", "add", f"{address}/32", "dev", "lo"])
            run([*here, "ip", "route", "add", "default", "via", GATEWAY])
            with _servers(handle, resolver or SERVER):
                yield Outside(resolver)
        finally:
            # With it go the other end, and the route.
            run([*here, "ip", "link", "delete", "uplink"])


@contextmanager
def _servers(handle: Path, resolver: str) -> Iterator[None]:
    # Sockets stay in the network namespace they were made in.
    with Network(handle).entered():
        pages = ThreadingHTTPServer((SERVER, 80), _Page)
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Bound to one address, that is what it answers from.
        names.bind((resolver, 53))
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    done = threading.Event()
    answering = threading.Thread(target=_serve_names, args=(names, done), daemon=True)
    answering.start()
    try:
        yield
    finally:
        pages.shutdown()
        pages.server_close()
        done.set()
        answering.join()
