"""Sends an echo request every 10 ms: what bench/migration.py runs in the cloud's network.

    python bench/icmp_prober.py ADDRESS FILE

Needs root. Ends when FILE exists, and writes one line of JSON: how many requests were sent, how many were answered,
and the longest time between two that were answered, in seconds, by when they were sent.
"""

import argparse
import contextlib
import itertools
import json
import os
import select
import socket
import struct
import time
from pathlib import Path

EVERY = 0.01
MOST_SECONDS = 600.0
ECHO, REPLY = 8, 0
LATE_SECONDS = 5.0
"""Seconds in which answers to the last requests may still come."""


def request(ident: int, number: int) -> bytes:
    """An ICMP echo request. The number has 32 bits, in the payload: the header's would wrap around."""
    payload = struct.pack("!I", number)
    words = struct.pack("!BBHHH", ECHO, 0, 0, ident, number & 0xFFFF) + payload
    total = sum(struct.unpack(f"!{len(words) // 2}H", words))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return struct.pack("!BBHHH", ECHO, 0, ~total & 0xFFFF, ident, number & 0xFFFF) + payload


def answered(packet: bytes, ident: int) -> int | None:
    """The number of the request that an IPv4 packet answers."""
    header = (packet[0] & 15) * 4
    kind, _, _, seen, _ = struct.unpack_from("!BBHHH", packet, header)
    if kind != REPLY or seen != ident or len(packet) < header + 12:
        return None
    return int(struct.unpack_from("!I", packet, header + 8)[0])


def probe(address: str, end: Path) -> dict[str, float]:
    """Send and receive until the file `end` exists."""
    ident = os.getpid() & 0xFFFF
    sent: list[float] = []
    back: set[int] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.setblocking(False)
        begun = time.monotonic()
        last: float | None = None
        while last is None or (time.monotonic() - last < LATE_SECONDS and len(back) < len(sent)):
            now = time.monotonic()
            due = begun + len(sent) * EVERY
            if last is None and now >= due:
                with contextlib.suppress(OSError):  # it counts as sent, and is not answered
                    raw.sendto(request(ident, len(sent)), (address, 0))
                sent.append(now)
                if len(sent) % 10 == 0 and (end.exists() or now - begun > MOST_SECONDS):
                    last = now
            wait = max(0.0, begun + len(sent) * EVERY - time.monotonic()) if last is None else 0.1
            if select.select([raw], [], [], wait)[0]:
                number = answered(raw.recv(2048), ident)
                if number is not None:
                    back.add(number)
    times = [sent[number] for number in sorted(back)]
    longest = max((b - a for a, b in itertools.pairwise(times)), default=float("inf"))
    return {"sent": len(sent), "answered": len(back), "longest": longest}


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("address", help="an IPv4 address")
    words.add_argument("file", type=Path, help="what ends it once it exists")
    given = words.parse_args()
    print(json.dumps(probe(given.address, given.file)))
