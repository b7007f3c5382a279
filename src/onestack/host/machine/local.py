"""This machine. Standard library only: the agent on another host uses it for that host."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.host import facts, processes, ready
from onestack.host.command import CommandFailed, last_lines, run
from onestack.host.machine.interface import Condition, File, Ran, Say, quiet
from onestack.host.progress import Progress

LOG_BYTES = 20000
"""How much of a log's end is read for its last lines, in bytes."""


class LocalMachine:
    """The machine that this process runs on."""

    def __init__(self, name: str = "localhost") -> None:
        self.name = name

    def facts(self, disks: Sequence[Path] = ()) -> facts.Facts:
        return facts.gather(disks)

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
        try:
            output = run(
                argv,
                seconds=seconds,
                text_in=text_in,
                environment=environment,
                inherit=False,
                patient=of_cloud(cloud) if cloud else patient,
                log=log,
            )
        except CommandFailed as failure:
            if failure.status is None:
                raise
            return Ran(failure.status, failure.output)
        return Ran(0, output)

    def read_file(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(error, path) from error

    def write_files(self, files: Mapping[Path, File]) -> list[Path]:
        changed = []
        for path, file in files.items():
            try:
                if write(path, file):
                    changed.append(path)
            except OSError as error:
                raise _refused(error, path) from error
        return changed

    def wait_ready(self, what: str, condition: Condition, say: Say = quiet) -> str:
        reported = ""

        def poll() -> tuple[bool, str]:
            nonlocal reported
            done, observation = holds(condition)
            if observation != reported:
                reported = observation
                say(observation)
            return done, observation

        return until(
            what,
            poll,
            seconds=condition.seconds,
            every=condition.every,
            where=condition.log,
            evidence=lambda: last_lines(tail(condition.log)) if condition.log else "",
            working=of_cloud(condition.cloud) if condition.cloud else None,
        )

    def processes(self, run: Path) -> list[processes.Proc]:
        return processes.of_cloud(run)

    def interfaces(self) -> list[str]:
        return sorted(each.name for each in Path("/sys/class/net").iterdir())


def _refused(error: OSError, path: Path) -> PermanentError:
    return PermanentError(
        f"{path}: {error.strerror}", hint="check free disk space, permissions, and existing files"
    )


def write(path: Path, file: File) -> bool:
    """Write a file atomically; False if it has this content already. Its folder is created if missing."""
    try:
        current = path.stat()
        if current.st_mode & 0o7777 == file.mode and path.read_bytes() == file.data:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            # Before the file has any content.
            os.fchmod(out.fileno(), file.mode)
            out.write(file.data)
            out.flush()
            os.fsync(out.fileno())
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    return True


def holds(condition: Condition) -> tuple[bool, str]:
    """Whether a condition holds now, and the observation."""
    if condition.http:
        return ready.http_answer(*condition.http)
    if condition.socket:
        return ready.accepts(condition.socket)
    if condition.command:
        return ready.command_succeeds(list(condition.command))
    if condition.written:
        return ready.written(*condition.written)
    return True, "nothing to ask"


def of_cloud(run: Path) -> Progress:
    """The work of a cloud's processes, without those of its tenants (guests, balancers)."""
    return Progress(lambda: [each.pid for each in processes.of_platform(run)])


def tail(log: Path, size: int = LOG_BYTES) -> str:
    """The end of a log; "" if it does not exist."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode(errors="replace")
