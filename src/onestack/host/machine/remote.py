"""Another host, through an agent at the other end of one connection."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from onestack.host.facts import Facts
from onestack.host.machine.bundle import bundle
from onestack.host.machine.connection import Connection
from onestack.host.machine.interface import Condition, File, Ran, Say, quiet
from onestack.host.processes import Proc


class RemoteMachine:
    """A host that is reached over a connection; see `Machine`. Close it after use: it is a context manager.

    `argv`: the command that is the connection (see `ssh.command`). Raises PermanentError if it cannot be
    established.
    """

    def __init__(self, name: str, argv: Sequence[str]) -> None:
        self.name = name
        self._connection = Connection(name, argv, f"{len(bundle())}\n".encode() + bundle())

    def __enter__(self) -> RemoteMachine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; requests in flight on the host end with it."""
        self._connection.close()

    def facts(self, disks: Sequence[Path] = ()) -> Facts:
        return self._connection.ask("facts", {"disks": disks}, TypeAdapter(Facts))

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
        given = {
            "argv": argv,
            "seconds": seconds,
            "text_in": text_in,
            "environment": environment,
            "patient": patient,
            "cloud": cloud,
            "log": log,
        }
        return self._connection.ask("run", given, TypeAdapter(Ran))

    def read_file(self, path: Path) -> bytes | None:
        answer = self._connection.ask("read_file", {"path": path}, TypeAdapter(str | None))
        return None if answer is None else base64.b64decode(answer)

    def write_files(self, files: Mapping[Path, File]) -> list[Path]:
        return self._connection.ask("write_files", {"files": files}, TypeAdapter(list[Path]))

    def wait_ready(self, what: str, condition: Condition, say: Say = quiet) -> str:
        return self._connection.ask(
            "wait_ready", {"what": what, "condition": condition}, TypeAdapter(str), say
        )

    def processes(self, run: Path) -> list[Proc]:
        return self._connection.ask("processes", {"run": run}, TypeAdapter(list[Proc]))

    def interfaces(self) -> list[str]:
        return self._connection.ask("interfaces", {}, TypeAdapter(list[str]))
