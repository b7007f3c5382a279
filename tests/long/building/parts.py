"""The cache of the machine, on a disk of its own: everything that `up` would fetch or build."""

from __future__ import annotations

import shutil
from pathlib import Path

from long.building import disk
from onestack import Cloud
from onestack.core.events import Emit
from onestack.core.paths import Paths
from onestack.host.command import run
from onestack.platform import databases
from onestack.platform.fetch import fetch
from onestack.spec import default as default_spec

ROOM = 2 * disk.GIB
"""Space beside the parts, for what is made there (the machine's own answer about KVM, partial files)."""


def ensure(store: Path, emit: Emit) -> Path:
    """The disk, made unless there is one with the same parts.

    Migrating databases takes a quarter of an hour there. So a cloud is brought up here for a moment, under a root of
    its own, where their dump is not in the cache yet.
    """
    wanted = default_spec().platform
    paths = Paths.at("/")
    cache = paths.release(wanted.release)
    found = fetch(paths, wanted, emit)
    key = databases.digits(found.environment, found.runtime, found.base, wanted.services)
    dump = databases.dump(cache, key)
    parts = [
        each for each in (found.base, found.environment, found.runtime, found.dashboard, found.image) if each
    ]
    parts.append(dump)
    target = store / f"parts-{disk.key(each.name for each in parts)}.raw"
    with disk.held_while(store, "making the disk of parts"):
        if target.exists():
            return target
        disk.remove_older(store, "parts", target)
        if not dump.exists():
            dump_databases(store / "cloud", emit)
        staging = store / "staging"
        shutil.rmtree(staging, ignore_errors=True)
        series = staging / wanted.release
        series.mkdir(parents=True)
        try:
            for part in parts:
                # Links where they can be made: nothing in there is changed.
                kind = ["--link"] if part.stat().st_dev == series.stat().st_dev else []
                run(["cp", "--archive", *kind, str(part), str(series)], seconds=disk.BUILD_SECONDS)
            used = int(run(["du", "--summarize", "--block-size=1", str(staging)]).split()[0])
            disk.make(staging, target, "parts", used * 5 // 4 + ROOM)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return target


def dump_databases(root: Path, emit: Emit) -> None:
    """Have the cache hold this release's migrated databases."""
    cloud = Cloud(root)
    try:
        cloud.up(emit=emit)
    finally:
        cloud.destroy(wait=60)
        shutil.rmtree(root, ignore_errors=True)
