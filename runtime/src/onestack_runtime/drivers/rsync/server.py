"""Runs `rsync --server` for the other compute hosts of the cloud, each in a sandbox (`sandbox`).

A host is known by the certificate that the cloud's CA gave it. Each copy is logged with its host.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Any

from onestack_runtime import contract
from onestack_runtime.drivers.rsync import channel, sandbox

LOG = logging.getLogger("rsync")
END_SECONDS = 10.0
"""How long rsync has to remove its temporary files when the other host is gone."""
_REFUSED = 126
_LOST = (asyncio.IncompleteReadError, OSError, ValueError)


def name_of(certificate: dict[str, Any] | None) -> str:
    """The common name of a peer's certificate."""
    for part in (certificate or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""


def words_of(kind: bytes, content: bytes) -> list[str]:
    """The words of the command that a host asks for first. Raises ValueError for anything else."""
    found = json.loads(content) if kind == channel.COMMAND else None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError("this is no command")
    return found


class Server:
    """`known`: this host's settings."""

    def __init__(self, known: contract.RsyncSettings) -> None:
        self._known = known

    async def serve(self) -> None:
        """Until SIGTERM. Raises OSError where it cannot listen."""
        known = self._known
        listening = await asyncio.start_server(
            self._answer,
            known["address"],
            known["port"],
            ssl=channel.tls(known, server=True),
            ssl_handshake_timeout=channel.CONNECT_SECONDS,
            limit=channel.CHUNK,
        )
        # Says that it is ready, for who may look at its socket.
        ready = await asyncio.start_unix_server(lambda _, writer: writer.close(), known["socket"])
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        async with listening, ready:
            LOG.info("listens on %s port %d", known["address"], known["port"])
            await ended.wait()
            # A copy that is cut off fails on the other host, where Nova undoes what it did.
            os._exit(0)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = name_of(writer.get_extra_info("peercert"))
        begun = time.monotonic()
        try:
            channel.watch(writer)
            kind, content = await asyncio.wait_for(channel.receive(reader), channel.CONNECT_SECONDS)
            words = words_of(kind, content)
            status = await self._run(peer, words, reader, writer)
            LOG.info("%s: %s: status %d, %.1f s", peer, " ".join(words), status, time.monotonic() - begun)
        except _LOST as error:
            LOG.warning("%s: %s: %s", peer, type(error).__name__, error)
        finally:
            # Who asked closes the connection. Closed here with something unread, it would be reset, and what was
            # sent last be lost.
            with contextlib.suppress(*_LOST):
                await asyncio.wait_for(_discard(reader), END_SECONDS)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _run(
        self, peer: str, words: Sequence[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> int:
        try:
            if peer not in self._known["hosts"]:
                raise ValueError(f"{peer or 'who has no name'} is none of this cloud's compute hosts")
            argv = sandbox.command(words, self._known["folder"])
        except ValueError as error:
            await channel.send(writer, channel.ERRORS, f"{error}\n".encode())
            await channel.send(writer, channel.STATUS, bytes([_REFUSED]))
            raise
        status = await relay(argv, reader, writer)
        await channel.send(writer, channel.STATUS, bytes([status]))
        return status


async def relay(argv: Sequence[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """Run a command with its input, output and errors in frames; returns its exit status, as a shell's after a
    signal. Raises OSError when the connection is lost."""
    child = await asyncio.create_subprocess_exec(
        *argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=channel.CHUNK
    )
    assert child.stdout is not None
    assert child.stderr is not None
    feeding = asyncio.create_task(_feed(reader, child))
    try:
        await asyncio.gather(
            _forward(child.stdout, channel.OUTPUT, writer), _forward(child.stderr, channel.ERRORS, writer)
        )
        status = await child.wait()
    finally:
        feeding.cancel()
        # One at a time reads from the connection.
        await asyncio.wait([feeding])
        await _end(child)
    return status if status >= 0 else 128 - status


async def _feed(reader: asyncio.StreamReader, child: Process) -> None:
    assert child.stdin is not None
    try:
        while True:
            kind, content = await channel.receive(reader)
            if kind != channel.INPUT or not content:
                break
            child.stdin.write(content)
            await child.stdin.drain()
    except _LOST:
        # Its end of input: rsync removes what is half written.
        await _end(child)
    else:
        child.stdin.close()


async def _discard(reader: asyncio.StreamReader) -> None:
    while await reader.read(channel.CHUNK):
        pass


async def _forward(stream: asyncio.StreamReader, kind: bytes, writer: asyncio.StreamWriter) -> None:
    while content := await stream.read(channel.CHUNK):
        await channel.send(writer, kind, content)


async def _end(child: Process) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        await asyncio.wait_for(child.wait(), END_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
    with contextlib.suppress(OSError):
        await child.stdin.wait_closed()


def main() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # What is made for guests must be readable by QEMU.
    os.umask(0o022)
    asyncio.run(Server(channel.settings()).serve())


if __name__ == "__main__":
    main()
