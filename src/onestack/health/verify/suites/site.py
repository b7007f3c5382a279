"""Runs a suite by its name for the cloud under a root: one at a time, and installed before the cloud's network is
entered."""

from __future__ import annotations

from onestack.core import data
from onestack.core.errors import BadInput
from onestack.core.events import Emit
from onestack.health.verify.suites.openstacksdk import OPENSTACKSDK
from onestack.health.verify.suites.report import SuiteReport
from onestack.health.verify.suites.run import install, run
from onestack.health.verify.suites.suite import Suite
from onestack.host.lock import held
from onestack.platform import connect
from onestack.platform.site import Site

SUITES: dict[str, Suite] = {suite.name: suite for suite in (OPENSTACKSDK,)}


def verify(found: Site, name: str, emit: Emit, *, only: str | None, concurrency: int) -> SuiteReport:
    """Run a suite against a cloud. Raises BadInput, Busy, PermanentError."""
    if name not in SUITES:
        raise BadInput(f"there is no suite `{name}`", hint=f"one of {', '.join(SUITES)}")
    suite, release = SUITES[name], data.having(found.view.cloud.series, "suites")
    # Each run removes the leftovers of earlier runs: two at the same time would remove each other's resources.
    with held(found.paths.run / "suite.lock", f"onestack verify --suite {name}"):
        # No package index is reachable from the cloud's network.
        install(suite, found.paths, release, emit)
        return found.leader.network.call(
            lambda: run(
                suite,
                lambda **who: connect.connection(found, **who),
                found.paths,
                release,
                emit,
                only=only,
                ca_file=found.ca_file,
                concurrency=concurrency,
            )
        )
