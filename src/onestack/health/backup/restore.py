"""Restores a backup to a root where there is no cloud: all of it, or nothing that could be taken for a cloud.

Everything is restored beside, compared with its manifest, and only then moved to its place, the choices last: they
are what makes a cloud. Until then the folder `restoring` says that it is not whole.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from onestack.core import data
from onestack.core.errors import BadInput, Busy, PermanentError
from onestack.core.events import Emit, step
from onestack.core.paths import Paths
from onestack.health.backup import manifest
from onestack.health.backup.create import programs
from onestack.health.backup.manifest import Manifest
from onestack.health.backup.restic import Repository, Snapshot, percent
from onestack.host import base
from onestack.host.command import run
from onestack.host.lock import held
from onestack.platform import backups, takedown
from onestack.platform.choices import Choices, choices_file
from onestack.platform.choose import is_isolated
from onestack.platform.owned import identities
from onestack.spec import Spec
from onestack.spec import load as load_spec

SPARE = 512 << 20
"""Bytes that stay free."""
FULL = 1 << 20
"""With fewer bytes left a disk is full."""


def restore(paths: Paths, at: Path, key: str, name: str | None, emit: Emit) -> Manifest:
    """Restore a backup (the beginning of its id; the last one if None) to the empty root of `paths`.

    `at`: the repository. Raises BadInput, Busy, PermanentError; then the root is as empty as before.
    """
    require_empty(paths)
    if not (at / "config").exists():
        raise BadInput(
            f"there is no repository of backups in {at}", hint="--from DIR: the folder they are in"
        )
    try:
        with held(paths.lock, "onestack restore"):
            return _alone(paths, Repository(at, key, _programs(paths, emit)), name, emit)
    except Busy:
        raise
    except BaseException:
        paths.lock.unlink(missing_ok=True)
        if not paths.is_default:
            takedown.remove_empty_parents(paths)
        raise


def _alone(paths: Paths, repository: Repository, name: str | None, emit: Emit) -> Manifest:
    require_empty(paths)
    before = {each: each.exists() for each in (paths.etc, paths.lib)}
    work = paths.lib / backups.RESTORING
    _clear(paths)
    try:
        work.mkdir(parents=True, exist_ok=True)
        paths.lib.chmod(0o700)
        work.chmod(0o700)
        return _restore(paths, repository, name, work, emit)
    except BaseException:
        _clear(paths)
        for folder, existed in before.items():
            if not existed:
                shutil.rmtree(folder, ignore_errors=True)
        raise


def require_empty(paths: Paths) -> None:
    """Raises BadInput where there is a cloud, or something that is none of a restore's."""
    interrupted = (paths.lib / backups.RESTORING).exists()
    if choices_file(paths).exists() and not interrupted:
        raise BadInput(
            f"there is a cloud under {paths.root}: a backup is restored where there is none",
            hint="`onestack destroy` removes it with all its data; --root DIR restores beside it",
        )
    left = [each for each in (paths.etc, paths.data) if each.exists() and any(each.iterdir())]
    if left and not interrupted:
        raise BadInput(
            f"there is something of a cloud under {paths.root}: {', '.join(map(str, left))}",
            hint="`onestack destroy` removes it; --root DIR restores beside it",
        )


def _programs(paths: Paths, emit: Emit) -> Path:
    # Which release the backup is of is not known before it is read; any release's restic can read it.
    return programs(paths, data.releases()[-1], emit)


def _clear(paths: Paths) -> None:
    """Remove what an interrupted restore left."""
    if (paths.lib / backups.RESTORING).exists():
        # Last of all the mark itself.
        for folder in (paths.etc, paths.data, paths.lib / backups.RESTORING):
            shutil.rmtree(folder, ignore_errors=True)


def _restore(paths: Paths, repository: Repository, name: str | None, work: Path, emit: Emit) -> Manifest:
    with step("find", emit) as at:
        repository.unlock()
        chosen = repository.find(name)
        found = read_manifest(repository, chosen)
        at.outcome = f"{chosen.short} of {found.cloud}, {chosen.time[:19]} UTC, {found.size / 1e6:.0f} MB"
    if found.release not in data.releases():
        raise BadInput(
            f"the backup is of the release {found.release}, which this OneStack does not have",
            hint=f"it has {', '.join(data.releases())}: restore it with the OneStack that made it",
        )
    require_room(paths, found)
    # By a name of its own: the restic of a restore that was killed may still write to the former one.
    target = work / f"files-{os.getpid()}"
    with step("read", emit) as at:
        try:
            repository.do(
                "restore", chosen.id, "--target", str(target), "--sparse",
                log=work / "restic.log", heard=lambda message: at.progress(percent(message)),
            )  # fmt: skip
        except PermanentError as failed:
            require_space_left(paths, failed)
            raise
    with step("compare with the manifest", emit) as at:
        manifest.require_same(
            found.files, manifest.entries(target, found.files), f"the backup {chosen.short}"
        )
        at.outcome = f"{len(found.files)} files"
    spec = load_spec(target / "etc/cloud.yaml")
    native = data.native(found.release)
    tree = base.ensure(native, paths.release(native.name), emit, extras=spec.platform.base_extras)
    give_owners(target / "data", found, tree)
    adapt(target / "etc" / choices_file(paths).name, paths, spec)
    with step("move to its place", emit):
        move(paths, target)
        backups.write(
            paths, to=str(repository.place), last=chosen.short, time=found.begun, size=chosen.size,
            added=chosen.added, tried=found.begun, since=time.time(),
        )  # fmt: skip
        shutil.rmtree(work)
    return found


def read_manifest(repository: Repository, chosen: Snapshot) -> Manifest:
    """The manifest of a backup."""
    return manifest.parse(
        repository.ask("dump", chosen.id, f"/{manifest.FILE}"), f"the backup {chosen.short}"
    )


def require_room(paths: Paths, found: Manifest) -> None:
    """Raises PermanentError where the files have no room."""
    free, needed = shutil.disk_usage(paths.lib).free, found.size + SPARE
    if free < needed:
        raise PermanentError(
            f"not enough disk space: {free >> 20} MiB free, {needed >> 20} MiB needed",
            where=str(paths.lib),
            hint="free some, or name another place: --root DIR",
        )


def require_space_left(paths: Paths, failed: PermanentError) -> None:
    """Raises PermanentError where the disk is full now: then restic's own message could not be written either."""
    if shutil.disk_usage(paths.lib).free < FULL:
        raise PermanentError(
            f"the disk of {paths.root} is full",
            detail=failed.detail,
            hint="free some space, and run it again",
        ) from failed


def give_owners(folder: Path, found: Manifest, tree: Path) -> None:
    """Give files to the users of this base, which may have other ids than those of the one that was backed up."""
    users = renamed(found.users, identities(tree / "etc/passwd"))
    groups = renamed(found.groups, identities(tree / "etc/group"))
    if not users and not groups:
        return
    for place, folders, names in os.walk(folder):
        for name in (".", *folders, *names):
            each = Path(place) / name
            info = each.lstat()
            uid, gid = users.get(info.st_uid, info.st_uid), groups.get(info.st_gid, info.st_gid)
            if (uid, gid) != (info.st_uid, info.st_gid):
                os.chown(each, uid, gid, follow_symlinks=False)


def renamed(before: Mapping[str, int], now: Mapping[str, int]) -> dict[int, int]:
    """The ids that are others now. Pure."""
    return {old: now[name] for name, old in before.items() if name in now and now[name] != old}


def adapt(file: Path, paths: Paths, spec: Spec) -> None:
    """Have restored choices fit this root: the default one may be in the machine's network, others are not."""
    replace(Choices.load(file), isolated=is_isolated(paths, spec)).save(file)


def move(paths: Paths, restored: Path) -> None:
    """Have the files at their places, what makes them a cloud last."""
    paths.etc.parent.mkdir(parents=True, exist_ok=True)
    for folder in (paths.etc, paths.data):
        if folder.exists():
            folder.rmdir()
    (restored / "data").rename(paths.data)
    choices = restored / "etc" / choices_file(paths).name
    kept = restored / choices.name
    choices.rename(kept)
    if paths.etc.parent.stat().st_dev == restored.stat().st_dev:
        (restored / "etc").rename(paths.etc)
    else:
        run(["cp", "-a", str(restored / "etc"), str(paths.etc)], seconds=120)
    paths.etc.chmod(0o700)
    final = choices_file(paths)
    shutil.copy2(kept, final.with_suffix(".partial"))
    final.with_suffix(".partial").rename(final)
