"""restic: command lines, its messages, and its failures in words.

It runs outside of the cloud's namespace, by its tree's own loader and libraries, since it must work where there is no
cloud: before a restore.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onestack.core.errors import BadInput, Busy, PermanentError
from onestack.host.command import CommandFailed, run
from onestack.host.followed import follow

TAG, COMPLETE = "onestack", "complete"
"""All backups have the first tag; those that are complete get the second one, last of all."""
STANDSTILL = 600.0
"""Seconds without progress after which restic has failed."""
ANSWER_SECONDS = 120.0
LOCK_PATIENCE = "2m"
"""How long restic waits for another restic in the same repository."""
# restic's own exit statuses: https://restic.readthedocs.io/en/stable/075_scripting.html#exit-codes
INCOMPLETE, MISSING, LOCKED, WRONG_PASSWORD = 3, 10, 11, 12
_GENTLE = ("setpriv", "--pdeathsig", "TERM", "nice", "-n", "10")
"""It ends with the command that started it, also if that was killed, and leaves the processors to the cloud."""
FULL = "no space left on device"


@dataclass(frozen=True)
class Snapshot:
    """A backup. `time`: in ISO 8601, when it was begun. `size`: of all its files, in bytes; `added`: what it added to
    the repository, compressed. `root`: that of the cloud that it is of."""

    id: str
    time: str
    size: int
    added: int
    files: int
    complete: bool
    root: str = ""

    @property
    def short(self) -> str:
        """The id as people write it."""
        return self.id[:8]


@dataclass(frozen=True)
class Repository:
    """A restic repository in a folder. `key`: its password. `tree`: the tree beside the base that has restic."""

    place: Path
    key: str
    tree: Path

    @property
    def exists(self) -> bool:
        """Whether there is a repository, or what is left of one."""
        return (self.place / "config").exists()

    def argv(self, *words: str, folder: Path | None = None) -> list[str]:
        """The command line of a restic command. `folder`: where it runs."""
        loader, libraries = self.tree / "lib64/ld-linux-x86-64.so.2", self.tree / "usr/lib/x86_64-linux-gnu"
        program = [str(loader), "--library-path", str(libraries), f"{self.tree}/usr/bin/restic"]
        common = ["--repo", str(self.place), "--no-cache", "--json", "--retry-lock", LOCK_PATIENCE]
        there = ["env", f"--chdir={folder}"] if folder else []
        return [*there, *_GENTLE, *program, *words, *common]

    @property
    def environment(self) -> Mapping[str, str]:
        """Its environment variables: the password is not among the words, which other users can read."""
        # On a machine with several processors, one is left to the cloud.
        return {
            "RESTIC_PASSWORD": self.key,
            "RESTIC_PROGRESS_FPS": "1",
            "GOMAXPROCS": str(max(1, (os.cpu_count() or 1) - 1)),
        }

    def ask(self, *words: str) -> str:
        """Run a short command; returns its output. Raises as `explained` says."""
        try:
            return run(self.argv(*words), seconds=ANSWER_SECONDS, environment=self.environment, patient=True)
        except CommandFailed as failed:
            raise explained(self.place, failed.status, failed.output) from failed

    def do(
        self,
        *words: str,
        log: Path,
        folder: Path | None = None,
        heard: Callable[[Mapping[str, Any]], None] = lambda message: None,
    ) -> list[dict[str, Any]]:
        """Run a long command (in `folder`), in which `heard` gets its messages; returns all of them. Raises as
        `explained` says."""

        def listen(line: str) -> None:
            for each in messages(line):
                heard(each)

        try:
            follow(
                self.argv(*words, folder=folder),
                log=log,
                seconds=STANDSTILL,
                heard=listen,
                environment=self.environment,
            )
        except CommandFailed as failed:
            raise explained(self.place, failed.status, failed.output) from failed
        return messages(log.read_text(errors="replace"))

    def create(self) -> None:
        """Make the repository. Raises BadInput where the folder has something else."""
        if self.place.exists() and any(self.place.iterdir()):
            raise BadInput(
                f"{self.place} is neither empty nor a repository of backups",
                hint="name an empty folder; if a repository was there, its file `config` is lost",
            )
        self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ask("init")

    def snapshots(self, *tags: str) -> list[Snapshot]:
        """Those with all of the tags, the oldest first."""
        given = ("--tag", ",".join((TAG, *tags)))
        found = json.loads(_json_line(self.ask("snapshots", *given)) or "[]")
        return sorted((_snapshot(each) for each in found or ()), key=lambda each: each.time)

    def find(self, name: str | None) -> Snapshot:
        """A complete backup by the beginning of its id; the last one without a name. Raises BadInput."""
        found = self.snapshots(COMPLETE)
        if not found:
            raise BadInput(
                f"there is no complete backup in {self.place}", hint="`onestack backup create` makes one"
            )
        if name in (None, "latest"):
            return found[-1]
        chosen = [each for each in found if each.id.startswith(str(name))]
        if len(chosen) != 1:
            many = (
                f"{len(chosen)} backups have ids that begin with" if chosen else "there is no complete backup"
            )
            raise BadInput(
                f"{many} {name} in {self.place}", hint="`onestack backup list` shows them; or `latest`"
            )
        return chosen[0]

    def complete(self, snapshot: str) -> Snapshot:
        """Mark a backup as complete; returns it, with another id."""
        made = messages(self.ask("tag", "--add", COMPLETE, snapshot))
        new = next(each["new_snapshot_id"] for each in made if "new_snapshot_id" in each)
        return next(each for each in self.snapshots(COMPLETE) if each.id == new)

    def unlock(self) -> None:
        """Remove locks of restic processes that were killed; those of living ones stay."""
        self.ask("unlock")


def _snapshot(found: Mapping[str, Any]) -> Snapshot:
    summary = found.get("summary", {})
    return Snapshot(
        found["id"],
        found["time"],
        summary.get("total_bytes_processed", 0),
        summary.get("data_added_packed", 0),
        summary.get("total_files_processed", 0),
        COMPLETE in found.get("tags", ()),
        found.get("hostname", ""),
    )


def messages(text: str) -> list[dict[str, Any]]:
    """restic's messages, one a line; other lines are left out."""
    found = []
    for line in text.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict):
            found.append(message)
    return found


def _json_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.startswith(("[", "null"))), "")


def reason(output: str) -> str:
    """What a command that failed said about it."""
    said = []
    for each in messages(output):
        if each.get("message_type") == "exit_error":
            said.append(str(each.get("message", "")))
        elif each.get("message_type") == "error":
            error = each.get("error", {})
            said.append(
                f"{each.get('item', '')}: {error.get('message', '') if isinstance(error, dict) else error}"
            )
    plain = [line for line in output.splitlines() if line.strip() and not line.startswith("{")]
    return "\n".join((said or plain)[-6:])


def explained(place: Path, status: int | None, output: str) -> PermanentError:
    """A failure of restic in words: BadInput, Busy or PermanentError."""
    detail = reason(output)
    if status == MISSING:
        return BadInput(f"there is no repository of backups in {place}", hint="name the folder they are in")
    if status == WRONG_PASSWORD:
        return BadInput(
            f"the key is not that of the repository {place}",
            hint="`onestack backup key` prints it on the cloud that made the backups; give it with --key FILE",
        )
    if status == LOCKED:
        return Busy(
            f"another command works in the repository {place}",
            detail=detail,
            hint="wait until it is done, and run this again",
        )
    if FULL in output.lower():
        return PermanentError(
            f"the disk is full: {place}, or where restic writes temporary files",
            detail=detail,
            hint="free some space, or delete old backups (`onestack backup prune`)",
        )
    if status == INCOMPLETE:
        return PermanentError("some files could not be read", detail=detail, hint="run it again")
    return PermanentError(
        f"restic failed in the repository {place}",
        detail=detail,
        hint="`onestack backup verify` says whether the repository is damaged",
    )


def percent(message: Mapping[str, Any]) -> str:
    """What a status message says of the progress, in words."""
    if message.get("message_type") != "status":
        return ""
    total = message.get("total_bytes", 0)
    return f"{message.get('percent_done', 0.0):.0%} of {total / 1e6:.0f} MB" if total else ""


def keeping(counts: Mapping[str, int]) -> list[str]:
    """The options of `forget` for how many to keep."""
    return [word for name, count in counts.items() if count for word in (f"--keep-{name}", str(count))]
