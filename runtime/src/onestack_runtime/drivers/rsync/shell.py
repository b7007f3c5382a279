"""rsync's remote shell: `python3 -m onestack_runtime.drivers.rsync.shell HOST rsync --server …`, as rsync calls it.

It joins its standard input and output to the command's on the other host, and ends with the command's exit status;
or, as ssh does, with 255 if it could not be run or the connection was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence

from onestack_runtime import contract
from onestack_runtime.drivers.rsync import channel

FAILED = 255


def address(hosts: Mapping[str, str], word: str) -> str:
    """The address of one of the cloud's hosts. Nova names a host by its address or by its name.

    Raises LookupError for anything else.
    """
    found = hosts.get(word, word)
    if found not in hosts.values():
        raise LookupError(f"{word} is none of this cloud's compute hosts")
    return found


async def run(known: contract.RsyncSettings, host: str, words: Sequence[str]) -> int:
    """Run a command on another host; returns its exit status. Raises OSError, LookupError, ValueError,
    asyncio.IncompleteReadError."""
    there = address(known["hosts"], host)
    # The address is in the certificate that the other host must show.
    opening = asyncio.open_connection(
        there,
        known["port"],
        ssl=channel.tls(known, server=False),
        server_hostname=there,
        limit=channel.CHUNK,
    )
    reader, writer = await asyncio.wait_for(opening, channel.CONNECT_SECONDS)
    channel.watch(writer)
    await channel.send(writer, channel.COMMAND, json.dumps(list(words)).encode())
    feeding = asyncio.create_task(_feed(writer))
    try:
        return await _take(reader)
    finally:
        feeding.cancel()
        writer.transport.abort()


async def _feed(writer: asyncio.StreamWriter) -> None:
    reader = asyncio.StreamReader(channel.CHUNK)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(0, "rb", 0))
    # Who takes what comes from the other host says that the connection is lost.
    with contextlib.suppress(OSError):
        while content := await reader.read(channel.CHUNK):
            await channel.send(writer, channel.INPUT, content)
        await channel.send(writer, channel.INPUT)


async def _take(reader: asyncio.StreamReader) -> int:
    loop = asyncio.get_running_loop()
    # rsync's sockets do not block.
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(1, "wb", 0)
    )
    output = asyncio.StreamWriter(transport, protocol, None, loop)
    while True:
        kind, content = await channel.receive(reader)
        if kind == channel.OUTPUT:
            output.write(content)
            await output.drain()
        elif kind == channel.ERRORS:
            sys.stderr.write(content.decode(errors="replace"))
        elif kind == channel.STATUS:
            output.close()
            await output.wait_closed()
            return content[0]


def main() -> int:
    try:
        return asyncio.run(run(channel.settings(), sys.argv[1], sys.argv[2:]))
    except (OSError, LookupError, ValueError, asyncio.IncompleteReadError) as error:
        sys.stderr.write(f"onestack rsync: {' '.join(sys.argv[1:2])}: {type(error).__name__}: {error}\n")
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
