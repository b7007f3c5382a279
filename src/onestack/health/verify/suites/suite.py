"""What a suite is: tests that upstream publishes in a package, and what they want of a cloud.

Adding one is a module with one `Suite`, an entry in `suites/site.py`, and a folder of its name in
`releases/<series>/suites` with a lock (`requirements.txt`) and what is known to fail (`known_failures.yaml`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openstack.connection import Connection

from onestack.core.paths import Paths

STORE = "suites"
"""The folder of all suites' runs, below the cloud's data."""


@dataclass(frozen=True)
class Place:
    """The folder of a suite's runs, outside and inside the cloud's mount namespace."""

    paths: Paths
    suite: str

    @property
    def folder(self) -> Path:
        """Where the tests run, and where what they wrote stays."""
        return self.paths.data / STORE / self.suite / "run"

    @property
    def inside(self) -> str:
        return f"/var/lib/{STORE}/{self.suite}/run"

    @property
    def packages(self) -> Path:
        """Their Python environment."""
        return self.paths.data / STORE / self.suite / "packages"

    @property
    def packages_inside(self) -> str:
        return f"/var/lib/{STORE}/{self.suite}/packages"

    @property
    def state(self) -> Path:
        """What a run keeps for the one that tidies up after it, which may be the next."""
        return self.paths.data / STORE / self.suite / "before.json"


@dataclass(frozen=True)
class Stage:
    """The cloud a suite is prepared for. `password`: of the users that are made for this run; `ca_file` is a
    path inside the mount namespace."""

    admin: Connection = field(repr=False)
    services: frozenset[str]
    image: str
    external: str
    place: Place
    password: str = field(repr=False)
    ca_file: str | None = None


@dataclass(frozen=True)
class Phase:
    """Tests that run after those of the phase before. `apart`: also those of one class in several workers."""

    tests: tuple[str, ...]
    concurrency: int
    apart: bool = False


@dataclass(frozen=True)
class Suite:
    """A suite as data. The callables that take a `Stage` ask and change the cloud, the others are pure."""

    name: str
    """The word after `--suite`, and the name of its folder in the release's."""
    prefix: str
    """What every test's name begins with; left out where people read."""
    command: Callable[[Place, str, Phase], list[str]]
    """Python's words that run the tests of a phase, which are listed in a file, and write subunit. Run in
    `Place.inside`."""
    phases: Callable[[Sequence[str], int], list[Phase]]
    """In what order so many at a time are run."""
    listing: Callable[[Place], list[str]]
    """Python's words that print the names of all tests for this cloud, one a line."""
    configure: Callable[[Stage], Mapping[str, str]]
    """Writes the suite's configuration into `Stage.place.folder`, and takes tests that this cloud has no service for
    out of `Stage.place.packages`; returns environment variables."""
    make: Callable[[Stage], str]
    """Makes in the cloud what the configuration names; returns in words what that is."""
    remove: Callable[[Stage], list[str]]
    """Removes what a run made, this one or one that was killed; returns it in words. Idempotent."""
    seconds: float = 3600.0
    """How long all of it may take."""
    test_seconds: int = 300
    """How long one test may take."""
