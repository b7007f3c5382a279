"""Computes the desired resources of a spec. Pure, except for `read_files`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from onestack.core.errors import BadInput
from onestack.spec.model import Spec
from onestack.workloads.kind import discovery
from onestack.workloads.kind.discovery import Kinds
from onestack.workloads.kind.scope import scopes
from onestack.workloads.plan.model import Wanted
from onestack.workloads.plan.values import FromFile, Value, convert


def wanted(spec: Spec, kinds: Kinds | None = None) -> list[Wanted]:
    """All resources of a spec, without the platform; one that several places of the spec require is included once."""
    found: dict[object, Wanted] = {}
    for scope in scopes(spec):
        for kind in (kinds or discovery.kinds()).values():
            for one in kind.wanted(scope):
                found.setdefault(one.address, one)
    return list(found.values())


def read_files(wanted: Iterable[Wanted], folder: Path) -> list[Wanted]:
    """The resources with the content of the files that they name; relative paths start at `folder`. Raises BadInput
    with the spec's line."""

    def text(one: Wanted) -> Callable[[Value], Value]:
        def read(value: Value) -> Value:
            if not isinstance(value, FromFile):
                return value
            try:
                return (folder / Path(value.path).expanduser()).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise BadInput(f"{value.path} cannot be read: {error}", where=one.place) from error

        return read

    return [replace(one, fields=convert(dict(one.fields), text(one))) for one in wanted]
