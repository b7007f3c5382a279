"""Finds the one resource that a person named, and what OpenStack's services logged about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from onestack.core.errors import BadInput
from onestack.health import request_log
from onestack.health.why import records
from onestack.workloads.openstack.rest import Rest

Row = Mapping[str, Any]


def projects(admin: Connection) -> dict[str, str]:
    """The names of all projects, by id."""
    return {one["id"]: one["name"] for one in Rest(admin, "identity").all("/projects", "projects")}


def one(
    kind: str,
    rows: Iterable[Row],
    word: str,
    project: str | None,
    names: Mapping[str, str],
    command: str,
    used_up: Callable[[], Iterable[str]] = tuple,
) -> Row:
    """The row whose name or id is `word`; `project` (name or id) selects one of several.

    `names`: of projects, by id. `command`: what lists them. `used_up`: what keeps one from being created. Raises
    BadInput.
    """
    if project is not None and project not in {*names, *names.values()}:
        raise BadInput(f"there is no project '{project}'")
    found = [
        row
        for row in rows
        if word in (row["name"], row["id"]) and project in (None, of_project(row), names.get(of_project(row)))
    ]
    if not found:
        within = f" in the project '{project}'" if project else ""
        raise BadInput(f"there is no {kind} '{word}'{within}", detail="\n".join(used_up()), hint=command)
    if len(found) > 1:
        of = ", ".join(sorted(f"{row['id']} ({names.get(of_project(row), '?')})" for row in found))
        raise BadInput(
            f"there are {len(found)} {kind}s '{word}': {of}", hint=f"use --project, or the {kind}'s id"
        )
    return found[0]


def of_project(row: Row) -> str:
    """The id of a resource's project, which each service calls differently; empty for none."""
    keys = ("project_id", "tenant_id", "os-vol-tenant-attr:tenant_id")
    return str(next((row[key] for key in keys if row.get(key)), ""))


def read(folder: Path, services: Sequence[str]) -> Iterator[str]:
    """The lines of the newest two logs of each service."""
    for name in services:
        for file in request_log.files(folder / f"{name}.log")[-2:]:
            if file.exists():
                with file.open(errors="replace") as log:
                    yield from log


def problems(folder: Path, services: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """The last different warnings and errors about one of the words (ids), the latest first."""
    return records.problems(read(folder, services), [word for word in words if word])
