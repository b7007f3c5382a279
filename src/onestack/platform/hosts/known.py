"""What every host of a cloud knows of all of them, kept in a file: names, addresses, roles, and the leader."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from onestack.core.paths import Paths
from onestack.host.files import replace_private
from onestack.host.machine import wire
from onestack.platform.view import HostView


@dataclass(frozen=True)
class Hosts:
    """The hosts of a cloud of several. `leader`: the name of the one on which `up` runs. `generation`: see
    `CloudView`."""

    leader: str
    hosts: tuple[HostView, ...]
    generation: int = 0

    def as_dict(self) -> Any:
        """As JSON can hold it."""
        return wire.plain(self)


_ADAPTER = TypeAdapter(Hosts)


def file(paths: Paths) -> Path:
    """Where a host keeps it; a cloud of one host has none."""
    return paths.etc / "hosts.json"


def load(paths: Paths) -> Hosts | None:
    """All hosts of the cloud; None for a cloud of one host."""
    there = file(paths)
    return of_json(there.read_bytes()) if there.exists() else None


def of_json(text: bytes) -> Hosts:
    """From the content of such a file."""
    return of_data(json.loads(text))


def of_data(data: Any) -> Hosts:
    """From what `as_dict` made."""
    return _ADAPTER.validate_python(data)


def save(paths: Paths, hosts: Hosts | None) -> None:
    """Keep it; None where the cloud has one host (again)."""
    if hosts is None:
        file(paths).unlink(missing_ok=True)
    else:
        replace_private(file(paths), json.dumps(hosts.as_dict(), indent=1))
