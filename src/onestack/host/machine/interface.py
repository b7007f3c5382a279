"""The operations of a host, as types. Standard library only, since the agent on a host uses it too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from onestack.host.facts import Facts
from onestack.host.processes import Proc


@dataclass(frozen=True)
class File:
    """A file to be written: its content, owner and mode."""

    data: bytes
    mode: int = 0o644


@dataclass(frozen=True)
class Ran:
    """The result of a command. `status`: its exit status. `output`: stdout and stderr together."""

    status: int
    output: str


@dataclass(frozen=True)
class Condition:
    """When a process counts as ready. All paths are the host's. One of: an HTTP status below 500 on a unix socket, a
    unix socket that accepts connections, a command that exits with 0, a file that is written repeatedly."""

    http: tuple[Path, str] | None = None
    """(unix socket, path)"""
    socket: Path | None = None
    command: tuple[str, ...] = ()
    written: tuple[Path, float] | None = None
    """(file, the maximum age of its last change in seconds)"""
    cloud: Path | None = None
    """The run folder of the cloud whose processes extend the deadline while they work."""
    seconds: float = 90.0
    """How long nothing may happen, in seconds."""
    every: float = 0.1
    """Seconds between two checks."""
    log: Path | None = field(default=None)
    """The log to show after a failure."""


Say = Callable[[str], None]


def quiet(message: str) -> None:
    """A `Say` that ignores all messages."""


class Machine(Protocol):
    """One host. All methods may be called from any thread.

    They raise PermanentError for what this host refuses; a RemoteMachine also raises TemporaryError if the
    connection is lost (`unsure`: the operation may have been executed nevertheless).
    """

    name: str

    def facts(self, disks: Sequence[Path] = ()) -> Facts:
        """The host's facts; changes nothing."""

    def run(
        self,
        argv: Sequence[str],
        *,
        seconds: float = 60,
        text_in: str | None = None,
        environment: Mapping[str, str] | None = None,
        patient: bool = False,
        cloud: Path | None = None,
        log: Path | None = None,
    ) -> Ran:
        """Run a command to its end; see `onestack.host.command.run`. A status other than 0 is no error here.

        `cloud`: the run folder of the cloud whose processes, too, extend the deadline while they work. `log`: a file
        of the host that gets the output as well.
        """

    def read_file(self, path: Path) -> bytes | None:
        """A file's content; None if it does not exist."""

    def write_files(self, files: Mapping[Path, File]) -> list[Path]:
        """Write files, each atomically, and create their folders. Returns those that changed."""

    def wait_ready(self, what: str, condition: Condition, say: Say = quiet) -> str:
        """Wait, on the host, until a condition holds; returns the last observation. Raises Unready."""

    def processes(self, run: Path) -> list[Proc]:
        """The processes of the cloud whose run folder is `run`."""

    def interfaces(self) -> list[str]:
        """The names of the host's network interfaces."""
