"""All replacements, and the one place that installs them: no other code sets an upstream attribute.

Each process installs its replacements before it serves. It writes to /run/replacements/<runner>.json which are
active, and which were skipped and why, for `onestack status`.
"""

from __future__ import annotations

import json
import linecache
import logging
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from onestack_runtime import contract, series
from onestack_runtime.paths import RUN
from onestack_runtime.replacements import (
    cinder,
    connections,
    database,
    horizon,
    neutron,
    neutron_events,
    nova,
    objects,
    octavia,
    policies,
    processors,
    relations,
    requests,
    source,
)
from onestack_runtime.replacements.digests import DIGESTS
from onestack_runtime.replacements.entry import Replacement

LOG = logging.getLogger(__name__)

REFERENCE = "docs/reference/replacements.md"

# In order of installation. Some must come before the import of the classes of objects and models that they affect.
ALL: tuple[Replacement, ...] = (
    *processors.ENTRIES,
    *objects.ENTRIES,
    *relations.ENTRIES,
    *database.ENTRIES,
    *connections.ENTRIES,
    *policies.ENTRIES,
    *requests.ENTRIES,
    *neutron.ENTRIES,
    *neutron_events.ENTRIES,
    *nova.ENTRIES,
    *cinder.ENTRIES,
    *octavia.ENTRIES,
    *horizon.ENTRIES,
)


@dataclass(frozen=True)
class Skipped:
    """`because`: `tuning` (the spec excludes it), `digest` (upstream's code is not what it was written against),
    `series` (it is not for the installed one) or `layout` (other processes of the project run on other hosts)."""

    name: str
    because: contract.SkippedBecause
    detail: str


def of(
    runner: str, entries: Iterable[Replacement] = ALL, workers: Collection[str] = ()
) -> tuple[Replacement, ...]:
    """The entries for one project's process. `workers`: those that the process runs, if not all."""
    return tuple(
        each
        for each in entries
        if runner in each.runners and not (workers and each.workers and {*workers}.isdisjoint(each.workers))
    )


def install(
    runner: str,
    entries: Iterable[Replacement] = ALL,
    digests: Mapping[str, str] | None = None,
    folder: Path = RUN / contract.REPLACEMENTS,
    *,
    workers: Collection[str] = (),
    alone: bool = True,
) -> frozenset[str]:
    """Install the entries for a project's process; returns the names of those that are active.

    `workers`: those that the process has, if not all. `alone`: whether it is the project's only process.
    Call it before the project is used. Raises SystemExit if a required entry does not match upstream's code.
    """
    tuning = os.environ.get(contract.TUNING, "full")
    installed = series.here()
    digests = {**DIGESTS, **installed.digests} if digests is None else digests
    checked: dict[str, str] = {}
    active: list[Replacement] = []
    skipped: list[Skipped] = []
    try:
        for entry in of(runner, entries, workers):
            if entry.kind == "performance" and (tuning == "none" or f"-{entry.name}" in tuning.split()):
                skipped.append(Skipped(entry.name, "tuning", f"{contract.TUNING} is {tuning}"))
            elif entry.name in installed.off:
                skipped.append(Skipped(entry.name, "series", installed.off[entry.name]))
            elif entry.alone and not alone:
                skipped.append(Skipped(entry.name, "layout", "it holds for a project of one process"))
            elif wrong := misfits(entry, digests, checked) or _replace(entry):
                _exit_if_required(runner, entry, wrong)
                LOG.warning("%s runs without the replacement %s: %s", runner, entry.name, wrong)
                skipped.append(Skipped(entry.name, "digest", wrong))
            else:
                active.append(entry)
    finally:
        # Frees the source text that was read for the digests.
        linecache.clearcache()
        _write_note(folder / f"{runner}.json", runner, tuning, active, skipped)
    return frozenset(each.name for each in active)


def misfits(entry: Replacement, digests: Mapping[str, str], checked: dict[str, str] | None = None) -> str:
    """How upstream's code differs from what the entry was written against; empty if it does not.

    `checked`: digests of upstream's code by name, read so far: after a replacement they cannot be read any more.
    """
    checked = {} if checked is None else checked
    wrong = []
    for name in (*entry.targets, *entry.uses):
        try:
            found = checked[name] = checked.get(name) or source.digest(source.value(name))
        except Exception as error:
            # Importing a module may raise anything.
            wrong.append(f"{name} does not exist ({error})")
            continue
        if found != digests.get(name):
            wrong.append(f"{name} has digest {found}, not {digests.get(name)}")
    return "; ".join(wrong)


def _exit_if_required(runner: str, entry: Replacement, wrong: str) -> None:
    if entry.kind == "required":
        raise SystemExit(
            f"{runner} does not start: it needs the replacement {entry.name}, which was written against another "
            f"version of OpenStack: {wrong}. Use the packages of the release's lock; {REFERENCE} says what it is for."
        )


def _replace(entry: Replacement) -> str:
    """Set the entry's targets. Returns an empty string, or why it failed; then nothing was changed."""
    try:
        replacements = entry.build(*map(source.value, entry.targets))
    except Exception as error:
        return f"it cannot be made ({type(error).__name__}: {error})"
    for target, new in zip(entry.targets, replacements, strict=True):
        owner, attribute = source.place(target)
        setattr(owner, attribute, new)
    return ""


def _write_note(
    file: Path, runner: str, tuning: str, active: Iterable[Replacement], skipped: Iterable[Skipped]
) -> None:
    note: contract.ReplacementsNote = {
        "runner": runner,
        "tuning": tuning,
        "active": [{"name": each.name, "kind": each.kind, "targets": list(each.targets)} for each in active],
        "skipped": [{"name": each.name, "because": each.because, "detail": each.detail} for each in skipped],
    }
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(note, indent=1) + "\n")
    partial.rename(file)
