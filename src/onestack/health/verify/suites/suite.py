"""The declaration of a suite: tests that upstream publishes in a package, and what they need of a cloud.

A new suite is a module with one `Suite`, an entry in `suites/site.py`, and a folder of its name in
`releases/<series>/suites` with a lock (`requirements.txt`) and the known failures (`known_failures.yaml`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openstack.connection import Connection

from onestack.core.paths import Paths

STORE = "suites"
"""The folder of the runs of all suites, below the cloud's data."""


@dataclass(frozen=True)
class Place:
    """The folders of a suite's runs, outside and inside the cloud's mount namespace."""

    paths: Paths
    suite: str

    @property
    def folder(self) -> Path:
        """Where the tests run; it keeps their output."""
        return self.paths.data / STORE / self.suite / "run"

    @property
    def inside(self) -> str:
        return f"/var/lib/{STORE}/{self.suite}/run"

    @property
    def packages(self) -> Path:
        """The tests' Python environment."""
        return self.paths.data / STORE / self.suite / "packages"

    @property
    def packages_inside(self) -> str:
        return f"/var/lib/{STORE}/{self.suite}/packages"

    @property
    def state(self) -> Path:
        """What a run saves for its cleanup, which may be made by the next run."""
        return self.paths.data / STORE / self.suite / "before.json"


@dataclass(frozen=True)
class Stage:
    """The cloud that a suite is prepared for. `password`: of the users that this run creates; `ca_file`: a path
    inside the mount namespace."""

    admin: Connection = field(repr=False)
    services: frozenset[str]
    image: str
    external: str
    place: Place
    password: str = field(repr=False)
    ca_file: str | None = None


@dataclass(frozen=True)
class Phase:
    """Tests that run after those of the phase before. `apart`: tests of one class may run in several workers."""

    tests: tuple[str, ...]
    concurrency: int
    apart: bool = False


@dataclass(frozen=True)
class Suite:
    """A suite as data. Callables that take a `Stage` read and change the cloud, the others are pure."""

    name: str
    """The value of `--suite`, and the name of its folder in the release's."""
    prefix: str
    """The common prefix of the tests' names, which is omitted in output for people."""
    command: Callable[[Place, str, Phase], list[str]]
    """Python's arguments that run the tests of a phase, which are listed in a file, and write subunit. Run in
    `Place.inside`."""
    phases: Callable[[Sequence[str], int], list[Phase]]
    """The phases, for a number of tests at a time."""
    listing: Callable[[Place], list[str]]
    """Python's arguments that print the names of all tests for this cloud, one a line."""
    configure: Callable[[Stage], Mapping[str, str]]
    """Writes the suite's configuration into `Stage.place.folder`, and removes tests of services that this cloud
    lacks from `Stage.place.packages`; returns environment variables."""
    make: Callable[[Stage], str]
    """Creates in the cloud what the configuration refers to; returns a description."""
    remove: Callable[[Stage], list[str]]
    """Removes what this run, or a killed one, created; returns descriptions. Idempotent."""
    seconds: float = 3600.0
    """The time limit of the whole run."""
    test_seconds: int = 300
    """The time limit of one test."""
