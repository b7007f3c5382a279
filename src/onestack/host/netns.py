"""A network from which connections are made, as an object: the host's own, or a network namespace.

Code that opens a socket gets a Network as an argument and enters it for that time: a socket stays in the network in
which it was created. So no code depends on the network that its thread is in.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from onestack.core.paths import Paths

CLONE_NEWNET = 0x40000000

T = TypeVar("T")


def handle(paths: Paths) -> Path:
    """The file that keeps a cloud's network namespace alive, if it has one of its own."""
    return paths.run / "ns/net"


class Network:
    """A network namespace, by the file that keeps it alive; if there is no such file, the caller's network."""

    def __init__(self, held_by: Path) -> None:
        self.held_by = held_by

    @classmethod
    def of_cloud(cls, paths: Paths) -> Network:
        """The network that a cloud's processes are in."""
        return cls(handle(paths))

    @property
    def is_own(self) -> bool:
        """Whether it is a network namespace of its own, and not the caller's network."""
        return self.held_by.exists()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Within the context, the calling thread and the threads that it starts are in this
        network. Raises OSError."""
        if not self.is_own:
            yield
            return
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _join(self.held_by)
            try:
                yield
            finally:
                _join(Path(f"/proc/self/fd/{own}"))
        finally:
            os.close(own)

    def call(self, body: Callable[[], T]) -> T:
        """Call `body` in this network."""
        with self.entered():
            return body()

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in this network, with the host's file system."""
        return ["nsenter", f"--net={self.held_by}", "--", *argv] if self.is_own else list(argv)


def _join(place: Path) -> None:
    """Move the calling thread into a network namespace. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(place, os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(place))
    finally:
        os.close(descriptor)
