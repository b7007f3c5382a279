"""Sends echo requests (ICMP) to an address and writes the time of each answer: `python asker.py ADDRESS SECONDS`.

Run in the client's namespace; only Python's own library is used: a machine may lack ping.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from contextlib import suppress

REQUEST, ANSWER = 8, 0
IP_HEADER = 20


def request(ident: int, number: int) -> bytes:
    """An echo request without data."""
    total = (REQUEST << 8) + ident + number
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", REQUEST, 0, ~total & 0xFFFF, ident, number)


def main(address: str, every: float) -> None:
    ident, number = os.getpid() & 0xFFFF, 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as asking:
        # Answers of this address alone.
        asking.connect((address, 0))
        while True:
            number = (number + 1) & 0xFFFF
            again = time.monotonic() + every
            # Where no way leads there for a while, routers say so.
            with suppress(OSError):
                asking.send(request(ident, number))
            while (left := again - time.monotonic()) > 0:
                asking.settimeout(left)
                with suppress(OSError):
                    kind, _, _, whose, _ = struct.unpack_from("!BBHHH", asking.recv(1500), IP_HEADER)
                    if (kind, whose) == (ANSWER, ident):
                        sys.stdout.write(f"{time.time()}\n")
                        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
