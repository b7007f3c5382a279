"""Makes a backup: captures the cloud, has restic store it, and marks it as complete when all of it is there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from onestack.core import data
from onestack.core.errors import BadInput, OneStackError, PermanentError
from onestack.core.events import Emit, Event, silent, step
from onestack.core.paths import Paths
from onestack.health.backup import contents
from onestack.health.backup.capture import TRIES, capture
from onestack.health.backup.restic import COMPLETE, TAG, Repository, Snapshot, keeping, percent
from onestack.host import base
from onestack.host.lock import held
from onestack.platform import backups, secrets
from onestack.platform.site import Site
from onestack.spec.backup import unsupported

CLOUD_SECONDS = 600.0
"""How long another command that holds the cloud is waited for."""
ABANDONED_SECONDS = 86400.0
"""After this time a backup that is not complete never will be: it is deleted."""


def programs(paths: Paths, series: str, emit: Emit = silent) -> Path:
    """The tree with restic and mariadb-backup; it is built if the cache does not have it."""
    native = data.native(series)
    store = paths.release(native.name)
    store.mkdir(parents=True, exist_ok=True)
    return base.ensure_tree(native, store, backups.TREE, emit)


def require_supported(site: Site) -> None:
    """Raises BadInput for a cloud that no backup can hold."""
    if found := unsupported(site.spec):
        what, path = found
        raise BadInput(
            f"backups of {what} are not supported yet",
            where=site.spec.place_of(*path),
            hint="docs/backup.md says what is; volumes are backed up one by one with `openstack volume backup`",
        )


def place(site: Site, to: Path | None) -> Path:
    """The repository's folder: the given one, the spec's, or the last one. Raises BadInput."""
    wanted = site.spec.platform.backup
    found = to or (Path(wanted.to) if wanted else None)
    if found is None and (last := backups.read(site.paths).to):
        found = Path(last)
    if found is None:
        raise BadInput("no folder is named for backups", hint="--to DIR, or platform.backup.to in the spec")
    return require_place(site.paths, found)


def require_place(paths: Paths, found: Path) -> Path:
    """Raises BadInput for a folder that goes away with the cloud."""
    if "://" in str(found) or str(found).startswith(("s3:", "sftp:", "rest:")):
        raise BadInput(
            f"{found}: only folders are supported yet", hint="a folder, such as one of a mounted disk"
        )
    full = found.absolute().resolve()
    for own in (paths.etc, paths.lib, paths.log, paths.run, paths.cache):
        if full == own or full.is_relative_to(own):
            raise BadInput(
                f"{full} is in {own}, which goes away with the cloud",
                hint="name a folder elsewhere, best on another disk",
            )
    return full


def key(site: Site) -> str:
    """The repository's password: a secret of the cloud, made when it is first asked for."""
    known = secrets.ensure(site.secrets_file, ())
    if backups.SECRET not in known:
        # Not while an `up` adds others.
        with held(site.paths.lock, "onestack backup", seconds=CLOUD_SECONDS):
            known = secrets.ensure(site.secrets_file, (backups.SECRET,))
    return known[backups.SECRET]


@contextmanager
def alone(paths: Paths) -> Iterator[None]:
    """One backup of a cloud at a time. Raises Busy."""
    with held(paths.lib / "backup.lock", "onestack backup"):
        yield


def create(site: Site, to: Path | None, emit: Emit, *, with_guests: bool | None = None) -> Snapshot:
    """Make a backup; returns it when it is complete. Raises BadInput, Busy, PermanentError."""
    require_supported(site)
    at = place(site, to)
    with alone(site.paths):
        begun = time.time()
        try:
            repository = open_repository(site, at, emit)
            made = _create(site, repository, emit, with_guests)
        except BaseException as error:
            # Where the last good one is stays known.
            where = {} if backups.read(site.paths).last else {"to": str(at)}
            backups.write(site.paths, tried=begun, error=_told(error), **where)
            raise
        backups.write(
            site.paths,
            to=str(at), last=made.short, time=begun, seconds=round(time.time() - begun, 1),
            size=made.size, added=made.added, tried=begun, error="",
        )  # fmt: skip
        wanted = site.spec.platform.backup
        if wanted and at == Path(wanted.to).resolve():
            try:
                forget(repository, site.paths.root, wanted.keep.counts, emit)
            except OneStackError as error:
                # The backup is good all the same.
                emit(Event("prune", "noted", f"old backups could not be deleted: {error.summary}"))
    return made


def _told(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "it was interrupted"
    return error.summary if isinstance(error, OneStackError) else f"{type(error).__name__}: {error}"


def open_repository(site: Site, at: Path, emit: Emit) -> Repository:
    """The repository in a folder; it is made if there is none. Raises BadInput, Busy, PermanentError."""
    repository = Repository(at, key(site), programs(site.paths, site.spec.platform.release, emit))
    with step("repository", emit) as told:
        if not repository.exists:
            repository.create()
            command = "onestack" if site.paths.is_default else f"onestack --root {site.paths.root}"
            told.note(f"the key of this repository: `{command} backup key`. Keep it elsewhere: without it")
            told.note("nobody can read these backups, and `onestack destroy` removes it with the cloud")
        repository.unlock()
        told.outcome = str(at)
    return repository


def _create(site: Site, repository: Repository, emit: Emit, with_guests: bool | None) -> Snapshot:
    paths, wanted = site.paths, site.spec.platform.backup
    guests = with_guests if with_guests is not None else wanted.guests if wanted else True
    try:
        for _ in range(TRIES):
            with held(paths.lock, "onestack backup", seconds=CLOUD_SECONDS):
                _, linked = capture(site, repository.tree, emit, with_guests=guests)
            stored = _store(repository, paths, emit)
            if not (written := contents.changed(contents.staging(paths) / "data", linked)):
                break
            repository.ask("forget", stored)
        else:
            raise PermanentError(
                f"files were written to while they were stored: {', '.join(written[:5])}",
                hint=f"it was tried {TRIES} times: run it again when volumes are no longer made or attached",
            )
        with step("complete", emit) as told:
            made = repository.complete(stored)
            told.outcome = f"{made.short}: {made.size / 1e6:.0f} MB, {made.added / 1e6:.1f} MB of them new"
    finally:
        contents.clear(paths)
    return made


def _store(repository: Repository, paths: Paths, emit: Emit) -> str:
    """Have restic store the staging folder; returns the id of the backup, which is not complete yet."""
    # Links have the time of change of their inode, which is not the content's.
    words = ("backup", ".", "--tag", TAG, "--host", str(paths.root))
    previous = repository.snapshots(COMPLETE)
    parent = ("--parent", previous[-1].id) if previous else ("--force",)
    with step("store", emit) as at:
        said = repository.do(
            *words, *parent, "--ignore-ctime", "--ignore-inode",
            log=paths.log / "backup-store.log", folder=contents.staging(paths),
            heard=lambda message: at.progress(percent(message)),
        )  # fmt: skip
        summary = next((each for each in said if each.get("message_type") == "summary"), None)
        if summary is None:
            raise PermanentError(
                "restic did not say what it stored", where=str(paths.log / "backup-store.log")
            )
        at.outcome = f"{summary['data_added_packed'] / 1e6:.1f} MB added"
    return str(summary["snapshot_id"])


def forget(repository: Repository, root: Path, counts: Mapping[str, int], emit: Emit) -> tuple[int, int]:
    """Delete complete backups that need not be kept, and incomplete ones that nobody works on any more; returns how
    many were deleted, and are left.

    Only those of the cloud under `root`: a copy that was restored beside it may have its own in the same repository.
    """
    with step("prune", emit) as at:
        repository.unlock()
        before = own(repository, root)
        old = [each.id for each in before if not each.complete and _age(each) > ABANDONED_SECONDS]
        if old:
            repository.ask("forget", *old)
        chosen = ("--tag", f"{TAG},{COMPLETE}", "--host", str(root), "--group-by", "")
        repository.ask("forget", *chosen, *keeping(counts))
        after = own(repository, root)
        gone = len(before) - len(after)
        if gone:
            repository.ask("prune")
        at.outcome = f"{gone} deleted, {sum(each.complete for each in after)} kept"
    return gone, sum(each.complete for each in after)


def own(repository: Repository, root: Path) -> list[Snapshot]:
    """The backups of the cloud under a root, complete or not."""
    return [each for each in repository.snapshots() if each.root == str(root)]


def _age(snapshot: Snapshot) -> float:
    return time.time() - datetime.fromisoformat(snapshot.time).timestamp()
