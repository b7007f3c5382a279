"""HAProxy's runtime socket: reads the state of its servers and changes them without a reload."""

from __future__ import annotations

import csv
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SECONDS = 5.0
_MAINTENANCE = 0x01 | 0x04
"""SRV_ADMF_FMAINT (by the runtime socket) and SRV_ADMF_CMAINT (by the configuration)."""


class Refused(Exception):
    """HAProxy refused a command on its runtime socket."""


def execute(path: Path, command: str, seconds: float = SECONDS, *, last: bool = False) -> str:
    """HAProxy's answer to one command. `path`: its socket. Raises OSError if it does not answer.

    `last`: shut down the writing side after the command; the master process's socket answers only then.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        sock.connect(str(path))
        sock.sendall(command.encode() + b"\n")
        if last:
            sock.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    return answer.decode(errors="replace").rstrip()


Row = Mapping[str, str]


def statistics(text: str) -> list[dict[str, str]]:
    """The rows of `show stat`."""
    return list(csv.DictReader(text.removeprefix("# ").splitlines()))


@dataclass(frozen=True)
class Server:
    """A server in the running HAProxy. `weight`: as it was last set."""

    backend: str
    name: str
    weight: int
    maintenance: bool


def servers(text: str) -> dict[tuple[str, str], Server]:
    """The output of `show servers state` (format version 1), by backend and name."""
    servers = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 10 or line.startswith("#"):
            continue
        backend, name, admin, weight = words[1], words[3], int(words[6]), int(words[7])
        servers[backend, name] = Server(backend, name, weight, bool(admin & _MAINTENANCE))
    return servers


@dataclass(frozen=True)
class Wanted:
    """A server in the configuration. `options`: all but weight and `disabled`."""

    backend: str
    name: str
    address: str
    weight: int
    disabled: bool
    options: tuple[str, ...] = ()


def changes(wanted: Iterable[Wanted], actual: Mapping[tuple[str, str], Server]) -> list[str]:
    """The commands that change HAProxy's servers to the wanted ones, without cutting connections.

    A removed server is put into maintenance and gets no new connections; `deletions` deletes it after its last one.
    """
    commands: list[str] = []
    kept = set()
    for each in wanted:
        key = (each.backend, each.name)
        kept.add(key)
        server = f"{each.backend}/{each.name}"
        now = actual.get(key)
        if now is None:
            options = " ".join(each.options)
            commands.append(f"add server {server} {each.address} weight {each.weight} {options}".rstrip())
            if "check" in each.options:
                commands.append(f"enable health {server}")
            if not each.disabled:
                commands.append(f"enable server {server}")
            continue
        if now.weight != each.weight:
            commands.append(f"set server {server} weight {each.weight}")
        if now.maintenance != each.disabled:
            commands.append(f"set server {server} state {'maint' if each.disabled else 'ready'}")
    for key, removed in actual.items():
        if key not in kept and not removed.maintenance:
            commands.append(f"set server {removed.backend}/{removed.name} state maint")
    return commands


def deletions(wanted: Iterable[Wanted], actual: Mapping[tuple[str, str], Server]) -> list[str]:
    """The commands that delete removed servers; HAProxy refuses them while the servers have sessions."""
    kept = {(each.backend, each.name) for each in wanted}
    return [f"del server {s.backend}/{s.name}" for key, s in actual.items() if key not in kept]


_SUCCESS = ("", "New server registered.", "Server deleted.", "health check enabled")
"""HAProxy's answers to commands that succeeded; any other answer is an error message."""


def execute_all(path: Path, commands: Iterable[str]) -> None:
    """Execute commands one after another. Raises Refused at the first that fails."""
    for command in commands:
        answer = execute(path, command).strip()
        if not any(answer == success or (success and answer.startswith(success)) for success in _SUCCESS):
            raise Refused(f"{command}: {answer}")
