"""The connection between `shell` and `server`: TLS in both directions, and what ssh calls a channel.

Everything on it is a frame: its kind, its length, its content. So the far program's output, errors and exit status
arrive separately, and a connection that was lost is told from a program that ended.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from typing import cast

from onestack_runtime import contract
from onestack_runtime.paths import ETC

COMMAND, INPUT, OUTPUT, ERRORS, STATUS = b"C", b"I", b"O", b"E", b"S"
"""The kinds of frames. COMMAND: the words of a command as JSON, which the shell sends first. INPUT: bytes for its
standard input; none: it ends there. STATUS: its exit status as one byte, the server's last frame."""
_HEADER = struct.Struct(">cI")
CHUNK = 256 * 1024
"""The largest content of a frame, in bytes."""
CONNECT_SECONDS = 30.0
LOST_SECONDS = 60
"""A peer that confirms nothing for this long is lost."""


def settings() -> contract.RsyncSettings:
    """This host's. Raises OSError, ValueError."""
    return cast("contract.RsyncSettings", json.loads((ETC / contract.RSYNC_SETTINGS).read_text()))


def tls(known: contract.RsyncSettings, *, server: bool) -> ssl.SSLContext:
    """The TLS of one end: it shows the host's certificate, and requires one of the cloud's CA from its peer.

    Raises OSError, ssl.SSLError.
    """
    purpose = ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH
    context = ssl.create_default_context(purpose, cafile=known["ca"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(known["certificate"], known["key"])
    return context


def watch(writer: asyncio.StreamWriter) -> None:
    """Have the kernel end the connection to a host that is gone: without that, a copy would wait for it for ever."""
    made: socket.socket = writer.get_extra_info("socket")
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, LOST_SECONDS // 2)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, LOST_SECONDS // 6)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, LOST_SECONDS * 1000)


async def send(writer: asyncio.StreamWriter, kind: bytes, content: bytes = b"") -> None:
    """Send a frame, and wait while much is unsent. Raises OSError when the connection is lost."""
    writer.write(_HEADER.pack(kind, len(content)) + content)
    await writer.drain()


async def receive(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next frame: kind and content. Raises asyncio.IncompleteReadError or OSError when the connection is lost,
    ValueError for what is no frame."""
    kind, length = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if length > CHUNK:
        raise ValueError(f"a frame of {length} bytes")
    return kind, await reader.readexactly(length)
