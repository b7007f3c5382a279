"""HAProxy's runtime socket: what it says of its servers, and how they are changed without a reload."""

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


def ask(place: Path, command: str, seconds: float = SECONDS, *, last: bool = False) -> str:
    """HAProxy's answer to one command. Raises OSError when nobody answers.

    `last`: say that nothing more will be asked; the master's socket waits for that.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        sock.connect(str(place))
        sock.sendall(command.encode() + b"\n")
        if last:
            sock.shutdown(socket.SHUT_WR)
        found = b""
        while piece := sock.recv(65536):
            found += piece
    return found.decode(errors="replace").rstrip()


Row = Mapping[str, str]


def statistics(text: str) -> list[dict[str, str]]:
    """The rows of `show stat`."""
    return list(csv.DictReader(text.removeprefix("# ").splitlines()))


@dataclass(frozen=True)
class Server:
    """A server as HAProxy has it. `weight`: as it was last set."""

    backend: str
    name: str
    weight: int
    maintenance: bool


def servers(text: str) -> dict[tuple[str, str], Server]:
    """What `show servers state` says, by backend and name. Its columns are fixed by its version, 1."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 10 or line.startswith("#"):
            continue
        backend, name, admin, weight = words[1], words[3], int(words[6]), int(words[7])
        found[backend, name] = Server(backend, name, weight, bool(admin & _MAINTENANCE))
    return found


@dataclass(frozen=True)
class Wanted:
    """A server as the configuration has it. `options`: all but weight and `disabled`."""

    backend: str
    name: str
    address: str
    weight: int
    disabled: bool
    options: tuple[str, ...] = ()


def changes(wanted: Iterable[Wanted], there: Mapping[tuple[str, str], Server]) -> list[str]:
    """The commands that bring HAProxy's servers to what is wanted, fewest connections lost: those that leave
    get no new ones; `leaving` takes them away when the last one has ended."""
    commands: list[str] = []
    kept = set()
    for each in wanted:
        key = (each.backend, each.name)
        kept.add(key)
        place = f"{each.backend}/{each.name}"
        now = there.get(key)
        if now is None:
            options = " ".join(each.options)
            commands.append(f"add server {place} {each.address} weight {each.weight} {options}".rstrip())
            if "check" in each.options:
                commands.append(f"enable health {place}")
            if not each.disabled:
                commands.append(f"enable server {place}")
            continue
        if now.weight != each.weight:
            commands.append(f"set server {place} weight {each.weight}")
        if now.maintenance != each.disabled:
            commands.append(f"set server {place} state {'maint' if each.disabled else 'ready'}")
    for key, gone in there.items():
        if key not in kept and not gone.maintenance:
            commands.append(f"set server {gone.backend}/{gone.name} state maint")
    return commands


def leaving(wanted: Iterable[Wanted], there: Mapping[tuple[str, str], Server]) -> list[str]:
    """The commands that delete removed servers; HAProxy refuses them while the servers have sessions."""
    kept = {(each.backend, each.name) for each in wanted}
    return [f"del server {s.backend}/{s.name}" for key, s in there.items() if key not in kept]


_DONE = ("", "New server registered.", "Server deleted.", "health check enabled")
"""What HAProxy answers to what it has done; anything else is a reason."""


def tell(place: Path, commands: Iterable[str]) -> None:
    """Give commands one after another; raises Refused with the first that HAProxy did not do."""
    for command in commands:
        answer = ask(place, command).strip()
        if not any(answer == done or (done and answer.startswith(done)) for done in _DONE):
            raise Refused(f"{command}: {answer}")
