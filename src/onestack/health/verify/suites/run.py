"""Runs a suite: prepares its environment and the resources it needs, runs the tests, and removes everything.

The tests run inside the cloud's namespaces with the base's Python, where the API gateway and floating IPs are
reached. Their packages are installed once for all clouds, into the cache, and linked into the cloud's data.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, Step, step
from onestack.core.paths import Paths
from onestack.health.verify import child, sdk
from onestack.health.verify.removal import uninterrupted
from onestack.health.verify.suites import known
from onestack.health.verify.suites.report import SuiteReport
from onestack.health.verify.suites.suite import STORE, Phase, Place, Stage, Suite
from onestack.health.verify.tempest_results import Collector, TestResult
from onestack.health.verify.tenant import Connect
from onestack.host import environment
from onestack.host.command import last_lines
from onestack.host.namespace import enter

LISTING_SECONDS = 300.0


def install(suite: Suite, paths: Paths, release: Path, emit: Emit) -> Path:
    """The suite's environment in the cache, installed from the release's lock if it does not exist.

    Needs the package index. Raises PermanentError when it is not reached.
    """
    store = paths.release(release.name)
    store.mkdir(parents=True, exist_ok=True)
    lock = release / STORE / suite.name / "requirements.txt"
    return environment.ensure(lock, store, f"suite-{suite.name}", emit)


def run(
    suite: Suite,
    connect: Connect,
    paths: Paths,
    release: Path,
    emit: Emit,
    *,
    image: str = "tiny",
    external: str = "public",
    only: str | None = None,
    concurrency: int = 2,
    ca_file: str | None = None,
    seconds: float | None = None,
) -> SuiteReport:
    """Run a suite's tests of the services this cloud has.

    The calling thread is in the cloud's network; if that is not the machine's own, call `install` before, outside of
    it, since package indexes are not reachable from it. `connect()` gives the administrator's connection; `release`
    is the folder `releases/<series>`; `image` and `external` are the names of the guests' image and external network;
    `only` is a regular expression that the names of the selected tests match; `ca_file` is a path inside the
    namespace; `seconds` bounds the whole. Raises BadInput when no test is chosen, PermanentError when the suite
    cannot be run at all; a failed test is a result.
    """
    wanted = _compiled(only)
    listed = known.load(release / STORE / suite.name / known.FILE)
    packages = install(suite, paths, release, emit)
    admin = connect()
    place = Place(paths, suite.name)
    stage = Stage(admin, sdk.services(admin), image, external, place, secrets.token_urlsafe(24), ca_file)
    try:
        with step(f"{suite.name} settings", emit) as at:
            removed = suite.remove(stage)
            _prepare(place, packages, release / STORE / "follow.py")
            variables = {**_variables(suite, place), **suite.configure(stage)}
            tests = _listed(suite, place, variables, wanted)
            at.outcome = f"{len(tests)} tests"
            if removed:
                at.outcome += f"; {len(removed)} leftovers of an earlier run removed"
        phases = suite.phases(tests, concurrency)
        with (
            _prepared(suite, stage, emit),
            step(f"{suite.name} tests", emit, f"{concurrency} at a time") as at,
        ):
            report = _run(suite, place, variables, phases, seconds or suite.seconds, listed, at)
            at.outcome = report.sums()
    finally:
        shutil.rmtree(place.packages, ignore_errors=True)
    return report


@contextmanager
def _prepared(suite: Suite, stage: Stage, emit: Emit) -> Iterator[None]:
    """Create what the tests need for the duration of the body, and remove it afterwards."""
    try:
        with step(f"{suite.name} setup", emit) as at:
            at.outcome = suite.make(stage)
        yield
    finally:
        with uninterrupted(emit), step(f"{suite.name} removal", emit) as at:
            at.outcome = f"{len(suite.remove(stage))} removed"


def _compiled(only: str | None) -> re.Pattern[str]:
    try:
        return re.compile(only or "")
    except re.error as error:
        raise BadInput(
            f"--only: `{only}` is not a regular expression: {error}",
            hint="for example --only 'compute|image'",
        ) from error


def _variables(suite: Suite, place: Place) -> dict[str, str]:
    """The environment variables of the tests' processes; the caller's are not inherited."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": place.inside,
        "LANG": "C.UTF-8",
        "PYTHONPATH": place.packages_inside,
        "OS_TEST_TIMEOUT": str(suite.test_seconds),
    }


def _prepare(place: Place, packages: Path, follow: Path) -> None:
    """Create an empty folder that only root can read: the configuration contains passwords."""
    for old in (place.folder, place.packages):
        shutil.rmtree(old, ignore_errors=True)
    place.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.folder.mkdir(mode=0o700)
    shutil.copyfile(follow, place.folder / "follow.py")
    shutil.copytree(packages, place.packages, copy_function=_link)


def _link(source: str, target: str) -> str:
    """Put a file of the cache into the cloud's data, as a hard link if possible, so that it takes no space."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _listed(
    suite: Suite, place: Place, variables: Mapping[str, str], wanted: re.Pattern[str]
) -> Sequence[str]:
    """The names of the tests to run. Raises BadInput if there are none."""
    words = ["/usr/bin/python3", *suite.listing(place)]
    argv = enter(place.paths, ["/usr/bin/env", f"--chdir={place.inside}", *words])
    errors = place.folder / "listing.log"
    with child.running(argv, variables, errors, LISTING_SECONDS) as process:
        printed = [line.strip() for line in process.lines()]
    names = [line for line in printed if line.startswith(suite.prefix)]
    if process.exit_status != 0 or not names:
        raise PermanentError(
            f"the tests of {suite.name} could not be listed",
            detail=last_lines("\n".join([*printed, errors.read_text(errors="replace")])),
            where=str(errors),
        )
    found = [name for name in names if wanted.search(name)]
    if not found:
        raise BadInput(
            f"--only: no test of {suite.name} for this cloud's services matches `{wanted.pattern}`",
            hint=f"there are {len(names)}; one is {names[0]}",
        )
    return found


def _run(
    suite: Suite,
    place: Place,
    variables: Mapping[str, str],
    phases: Sequence[Phase],
    seconds: float,
    listed: Mapping[str, str],
    at: Step,
) -> SuiteReport:
    begun = time.monotonic()
    collector = Collector()
    collector.chosen += [name for phase in phases for name in phase.tests]
    count = len(collector.chosen)
    cut_short = ""
    done = 0
    for number, phase in enumerate(phases):
        left = seconds - (time.monotonic() - begun)
        for result in _results(suite, place, variables, phase, f"tests-{number}.txt", left, collector):
            done += 1
            word = {"passed": "ok", "failed": "known to fail" if result.name in listed else "failed"}
            name = result.name.removeprefix(suite.prefix)
            at.progress(f"{done}/{count} {word.get(result.state, result.state)} {name}")
        if collector.ended is None:
            cut_short = f"it was stopped after {seconds:.0f} s"
            break
    taken = time.monotonic() - begun
    return SuiteReport(suite.name, collector.results(), taken, listed, str(place.folder), cut_short)


def _results(
    suite: Suite,
    place: Place,
    variables: Mapping[str, str],
    phase: Phase,
    file: str,
    seconds: float,
    collector: Collector,
) -> Iterator[TestResult]:
    """The result of each test of a phase. `Collector.ended` is None afterwards if the time was not enough. Raises
    PermanentError if it did not run."""
    collector.ended = None
    (place.folder / file).write_text("".join(f"{name}\n" for name in phase.tests))
    words = suite.command(place, file, phase)
    argv = enter(place.paths, ["/usr/bin/python3", f"{place.inside}/follow.py", place.inside, *words])
    errors = place.folder / "stderr.log"
    count = 0
    with child.running(argv, variables, errors, max(seconds, 1.0)) as process:
        for line in process.lines():
            if (result := collector.take(line)) is not None:
                count += 1
                yield result
    if not process.late and (collector.ended is None or not count):
        raise PermanentError(
            f"{suite.name} did not run",
            detail=last_lines(errors.read_text(errors="replace")),
            where=str(place.folder),
            hint=f"see: {errors}",
        )
