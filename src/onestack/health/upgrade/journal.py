"""How far an upgrade, or the way back, has come: written before each step, so that it goes on after a cut.

It lies below the cloud's lib, with what the way back needs: the choices and the spec of before, and a snapshot of the
databases.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.host.files import replace_private

Direction = Literal["forward", "back"]
When = Literal["before", "after"]
BEFORE: Final = "before"
AFTER: Final = "after"
FORWARD = ("fetch", "snapshot", "expand", "switch", "exchange", "read")
"""The steps of an upgrade, in their order. Until `switch` the cloud is the former one in all but additions."""
BACK = ("switch back", "exchange back", "read back")


@dataclass(frozen=True)
class Journal:
    """An upgrade that is not final yet. `older`, `newer`: the series. `done`: the steps that are done, in the present
    direction. `why`: what made it go back, if anything. `begun`, `ended`: Unix times; `ended` is 0 until the last
    step is done. `by`: whether the way back takes the data as they are (`packages`) or from the snapshot."""

    older: str
    newer: str
    direction: Direction = "forward"
    done: tuple[str, ...] = ()
    why: str = ""
    begun: float = field(default_factory=time.time)
    ended: float = 0.0
    by: str = ""

    @property
    def steps(self) -> tuple[str, ...]:
        return FORWARD if self.direction == "forward" else BACK

    @property
    def next(self) -> str | None:
        """The step that is to be done; None when all are."""
        return next((each for each in self.steps if each not in self.done), None)

    @property
    def switched(self) -> bool:
        """Whether the newer release is the cloud's, or may be."""
        return self.direction == "forward" and "expand" in self.done

    @property
    def state(self) -> str:
        """In words."""
        if self.direction == "forward":
            return (
                f"interrupted before or in the step {self.next}"
                if self.next
                else "waits for commit or rollback"
            )
        return f"on the way back, interrupted before or in the step {self.next}" if self.next else "went back"

    def with_done(self, name: str) -> Journal:
        return replace(self, done=(*self.done, name))

    def turned(self, why: str, by: str) -> Journal:
        """The same upgrade on its way back."""
        return replace(self, direction="back", done=(), why=why, ended=0.0, by=by)


def folder(paths: Paths) -> Path:
    """What belongs to an upgrade that is not final."""
    return paths.lib / "upgrade"


def kept(paths: Paths, when: When, name: str) -> Path:
    """A file of the cloud's configuration as it was, or will be."""
    return folder(paths) / when / name


def load(paths: Paths) -> Journal | None:
    """The journal; None where there is none. Raises PermanentError where it cannot be read."""
    file = folder(paths) / "journal.json"
    try:
        found: Mapping[str, Any] = json.loads(file.read_text())
        return Journal(**{**found, "done": tuple(found["done"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise PermanentError(
            "the journal of an upgrade cannot be read", where=str(file), detail=str(error)
        ) from error


def save(paths: Paths, journal: Journal) -> Journal:
    """Write the journal; it is on the disk when this returns."""
    folder(paths).mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_private(folder(paths) / "journal.json", json.dumps(asdict(journal), indent=1))
    return journal


def warnings(paths: Paths) -> list[str]:
    """What an operator should know of an upgrade, in words."""
    known = load(paths)
    return [f"an upgrade from {known.older} to {known.newer}: {known.state}"] if known else []


def remove(paths: Paths) -> None:
    """Forget an upgrade, the journal first: what is left then belongs to none."""
    (folder(paths) / "journal.json").unlink(missing_ok=True)
    shutil.rmtree(folder(paths), ignore_errors=True)
