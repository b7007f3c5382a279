"""A runner as small as can be, for tests: `python runner.py SOCKET JOURNAL MODE`.

It answers with what it was asked, and writes what happens to it into the journal.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from onestack_runtime.serving.process import Process


class Garbage:
    """It refers to itself: only the garbage collector frees it, and tells."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.itself = self

    def __del__(self) -> None:
        self._tell("collected")


def drop(garbage: Garbage) -> None:
    """Nothing refers to it when this returns, but itself."""


def main() -> None:
    socket, journal, mode = sys.argv[1:]
    logging.basicConfig(level=logging.INFO)
    released = threading.Event()

    def note(word: str) -> None:
        with Path(journal).open("a") as out:
            out.write(f"{word}\n")

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/release":
            released.set()
        if path == "/upload":
            # As Glance: reads some, then closes the input.
            environ["wsgi.input"].read(5)
            environ["wsgi.input"].close()
        body = f"{environ['SCRIPT_NAME']}|{path}".encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def start() -> None:
        if mode == "broken":
            raise SystemExit("no way")
        if mode == "late":
            released.wait(30)
            drop(Garbage(note))
        note("started")

    def dies() -> None:
        released.wait(30)

    process = Process("test", stop_seconds=5)
    process.serve(application, socket, "compute", threads=2)
    process.worker("worker", start, lambda: note("stop"), drain=lambda: note("drain"))
    if mode == "dying":
        process.thread("heart", dies)
    if mode == "half":
        raise RuntimeError("what it needs is not there")
    if mode == "stuck":
        process.at_end("stuck", lambda: time.sleep(60))
    process.run()


if __name__ == "__main__":
    main()
