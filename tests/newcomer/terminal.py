"""A command as a person runs it: at a terminal, where programs ask, draw what is under way, and use colours."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROWS, COLUMNS = 50, 220
"""Wide, so that tables are not folded."""
TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07]*\x07|[\r\n]|[^\x1b\r\n]+|\x1b")
ASKS = re.compile(r"(\[y/N\]|\(yes or no\)):? ?(\x1b\[[0-9;?]*[A-Za-z])*$")
YES = b"yes\n"


@dataclass(frozen=True)
class Said:
    """`status`: its exit status. `output`: what stands on the screen in the end."""

    status: int
    output: str
    seconds: float


def run(text: str, folder: Path, environment: Mapping[str, str], seconds: float) -> Said:
    """Run a line of shell in a folder; what asks is answered with yes. Raises TimeoutError after `seconds`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    begun = time.monotonic()
    try:
        process = subprocess.Popen(
            ["bash", "-c", text],
            cwd=folder,
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    said, decoder = "", codecs.getincrementaldecoder("utf-8")("replace")
    try:
        while chunk := _read(ours, begun + seconds):
            said += decoder.decode(chunk)
            if ASKS.search(said):
                os.write(ours, YES)
        return Said(process.wait(10), screen(said), time.monotonic() - begun)
    except TimeoutError:
        process.kill()
        process.wait()
        raise TimeoutError(f"{text}: not done after {seconds:.0f} s; it showed:\n{screen(said)}") from None
    finally:
        os.close(ours)


def screen(said: str) -> str:
    """What stands on an endless screen after all that was written: without what was wiped or written over."""
    rows, row, column = [""], 0, 0
    for token in TOKEN.finditer(said):
        text, number, code = token[0], token[1], token[2]
        if text == "\r":
            column = 0
        elif text == "\n":
            row, column = row + 1, 0
            rows += [""] * (row + 1 - len(rows))
        elif code == "A":
            row = max(0, row - int(number or 1))
        elif code == "K":
            rows[row] = "" if number == "2" else rows[row][:column]
        elif not text.startswith("\x1b"):
            rows[row] = rows[row][:column].ljust(column) + text + rows[row][column + len(text) :]
            column += len(text)
    return "\n".join(rows)


def _read(terminal: int, deadline: float) -> bytes:
    """What comes next; empty when nobody has the terminal open any more."""
    ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
    if not ready:
        raise TimeoutError
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side is closed
        return b""
