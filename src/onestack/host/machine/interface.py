"""What can be asked of a host, as types. Standard library only: the agent on a host runs this too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from onestack.host.facts import Facts
from onestack.host.processes import Proc


@dataclass(frozen=True)
class File:
    """A file to be written: its bytes, and who may use it."""

    data: bytes
    mode: int = 0o644


@dataclass(frozen=True)
class Ran:
    """A command that ended. `status`: its exit status. `output`: stdout and stderr together."""

    status: int
    output: str


@dataclass(frozen=True)
class Condition:
    """When a process counts as ready. All paths are the host's.

    One of: an HTTP answer below 500 on a unix socket, a unix socket that accepts, a command that exits 0, a file that
    is written again and again.
    """

    http: tuple[Path, str] | None = None
    """(unix socket, path)"""
    socket: Path | None = None
    command: tuple[str, ...] = ()
    written: tuple[Path, float] | None = None
    """(file, how many seconds ago it was last written at the most)"""
    cloud: Path | None = None
    """The run folder of the cloud whose processes may put the deadline off by working."""
    seconds: float = 90.0
    """How long nothing may happen."""
    every: float = 0.1
    """Seconds between two questions."""
    log: Path | None = field(default=None)
    """What to show of a failure."""


Say = Callable[[str], None]


def quiet(message: str) -> None:
    """A `Say` for callers who do not listen."""


class Machine(Protocol):
    """One host. Every call may be made from any thread.

    Each raises PermanentError for what this host refuses; a RemoteMachine also TemporaryError when the connection was
    lost (`unsure`: it may have been done nevertheless).
    """

    name: str

    def facts(self, disks: Sequence[Path] = ()) -> Facts:
        """What the host is and has; changes nothing."""

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

        `cloud`: the run folder of the cloud whose processes, too, may put the deadline off by working. `log`: a file
        of the host that gets the output as well.
        """

    def read_file(self, path: Path) -> bytes | None:
        """A file's content; None where there is none."""

    def write_files(self, files: Mapping[Path, File]) -> list[Path]:
        """Write files, each as a whole or not at all, and the folders they need. Returns those that changed."""

    def wait_ready(self, what: str, condition: Condition, say: Say = quiet) -> str:
        """Wait, on the host, until a condition holds; returns the last observation. Raises Unready."""

    def processes(self, run: Path) -> list[Proc]:
        """The processes of the cloud whose run folder is `run`."""

    def interfaces(self) -> list[str]:
        """The names of the host's network interfaces."""
