"""Verifies a backup: restic checks its repository, then every file is read back and compared with the manifest."""

from __future__ import annotations

import os
import subprocess
import tarfile
import threading
from collections.abc import Callable, Mapping
from functools import partial

from onestack.core.events import Emit, step
from onestack.health.backup import manifest
from onestack.health.backup.manifest import CHUNK, Entry
from onestack.health.backup.restic import Repository, Snapshot, explained
from onestack.health.backup.restore import read_manifest


def verify(repository: Repository, name: str | None, emit: Emit) -> Snapshot:
    """Verify a backup; returns it. Raises BadInput, Busy, PermanentError."""
    with step("find", emit) as at:
        repository.unlock()
        chosen = repository.find(name)
        at.outcome = chosen.short
    with step("repository", emit):
        repository.ask("check")
    with step("read back", emit) as at:
        wanted = read_manifest(repository, chosen).files
        found = read_back(repository, chosen, wanted, at.progress)
        manifest.require_same(wanted, found, f"the backup {chosen.short}")
        at.outcome = f"{len(found)} files, {sum(each.size for each in found.values()) / 1e6:.0f} MB"
    return chosen


def read_back(
    repository: Repository, chosen: Snapshot, wanted: Mapping[str, Entry], say: Callable[[str], None]
) -> dict[str, Entry]:
    """Size of each file of a backup, and the digest of those that have one in the manifest, read from the repository.

    Nothing is written: the files come as a tar archive through a pipe.
    """
    total = max(1, sum(each.size for each in wanted.values()))
    found: dict[str, Entry] = {}
    read = 0
    process = subprocess.Popen(
        repository.argv("dump", chosen.id, "/", "--archive", "tar"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **repository.environment},
    )
    with process:
        output, complaints = process.stdout, process.stderr
        assert output is not None and complaints is not None
        errors: list[bytes] = []
        listener = threading.Thread(target=lambda: errors.append(complaints.read()), daemon=True)
        listener.start()
        try:
            with tarfile.open(fileobj=output, mode="r|", bufsize=CHUNK) as archive:
                for member in archive:
                    name = member.name.strip("/")
                    if not member.isreg() or name == manifest.FILE:
                        continue
                    content = archive.extractfile(member)
                    assert content is not None
                    parts = iter(partial(content.read, CHUNK), b"")
                    found[name] = Entry(member.size, manifest.digest(parts) if _counts(wanted, name) else "")
                    read += member.size
                    say(f"{read / total:.0%} of {total / 1e6:.0f} MB")
        except tarfile.TarError:
            process.kill()
        except BaseException:
            process.kill()
            raise
        status = process.wait()
        listener.join()
    if status != 0:
        raise explained(repository.place, status, b"".join(errors).decode(errors="replace"))
    return found


def _counts(wanted: Mapping[str, Entry], name: str) -> bool:
    return name in wanted and bool(wanted[name].sha256)
