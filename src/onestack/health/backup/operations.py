"""What an operator does with backups of a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onestack.core import data
from onestack.core.errors import BadInput
from onestack.core.events import Emit, silent
from onestack.core.paths import Paths
from onestack.health.backup import create as creating
from onestack.health.backup import restore as restoring
from onestack.health.backup import verify as verifying
from onestack.health.backup.manifest import Manifest
from onestack.health.backup.restic import COMPLETE, Repository, Snapshot
from onestack.host.files import replace_private
from onestack.platform import backups, site
from onestack.platform.choices import choices_file


class Backups:
    """The backups of the cloud under a root; or, where there is none, those in a folder.

    `place`: the repository's folder; None: the spec's, or the last one. `key`: its key; None: the cloud's own.
    """

    def __init__(self, paths: Paths, place: Path | None = None, key: str | None = None) -> None:
        self._paths = paths
        self._place = place
        self._key = key

    @property
    def known_place(self) -> str:
        """The folder with the cloud's last good backup; empty if it has none."""
        record = backups.read(self._paths)
        return record.to if record.last else ""

    def create(self, *, emit: Emit = silent, guests: bool | None = None) -> Snapshot:
        """Back the cloud up while it serves. `guests`: with servers' own disks; None: as the spec says.

        Raises BadInput, Busy, PermanentError; nothing is taken for a backup then.
        """
        return creating.create(site.load(self._paths), self._place, emit, with_guests=guests)

    def list(self) -> list[Snapshot]:
        """All complete backups, the oldest first. Raises BadInput, Busy, PermanentError."""
        return self._repository().snapshots(COMPLETE)

    def verify(self, name: str | None = None, *, emit: Emit = silent) -> Snapshot:
        """Check the repository, read a backup back, and compare it with its manifest. Raises as `list` does."""
        return verifying.verify(self._repository(), name, emit)

    def prune(self, counts: Mapping[str, int] | None = None, *, emit: Emit = silent) -> tuple[int, int]:
        """Delete backups that need not be kept; returns how many were deleted, and are left.

        `counts`: how many of `last`, `daily`, `weekly` and `monthly` are kept; None: as the spec says.
        """
        if counts is None:
            wanted = site.load(self._paths).spec.platform.backup
            if wanted is None:
                raise BadInput(
                    "how many are kept is not said",
                    hint="--keep-last, --keep-daily, --keep-weekly or --keep-monthly, or platform.backup.keep",
                )
            counts = wanted.keep.counts
        if not any(counts.values()):
            raise BadInput("no backup would be kept", hint="keep at least one: --keep-last 1")
        repository = self._repository()
        with creating.alone(self._paths):
            return creating.forget(repository, self._paths.root, counts, emit)

    def key(self, file: Path | None = None) -> str:
        """The key of the cloud's backups. `file`: where it is written, too, for root alone."""
        found = creating.key(site.load(self._paths))
        if file is not None:
            replace_private(file, f"{found}\n")
        return found

    def restore(self, name: str | None = None, *, emit: Emit = silent) -> Manifest:
        """Restore a backup to the root, where there is no cloud; `up` brings it back then.

        Raises BadInput, Busy, PermanentError; the root is as empty as before then.
        """
        restoring.require_empty(self._paths)
        if self._place is None or self._key is None:
            raise BadInput(
                "a backup is restored from a folder, with its key",
                hint="--from DIR --key FILE; `onestack backup key` printed the key, on the cloud that is lost",
            )
        return restoring.restore(self._paths, self._place.absolute(), self._key, name, emit)

    def _repository(self) -> Repository:
        if choices_file(self._paths).exists():
            found = site.load(self._paths)
            at = creating.place(found, self._place)
            tree = creating.programs(self._paths, found.spec.platform.release)
            return Repository(at, self._key or creating.key(found), tree)
        if self._place is None or self._key is None:
            raise BadInput(
                f"there is no cloud under {self._paths.root} that knows its backups",
                hint="--from DIR --key FILE names other ones",
            )
        tree = creating.programs(self._paths, data.releases()[-1])
        return Repository(self._place.absolute(), self._key, tree)
