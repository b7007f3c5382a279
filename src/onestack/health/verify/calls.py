"""Runs the checks for a site, with a lock for each, so that the same check never runs twice at the same time."""

from __future__ import annotations

from openstack.connection import Connection

from onestack.core import data
from onestack.core.events import Emit
from onestack.health.verify import outside, quick, tempest
from onestack.health.verify.report import Report
from onestack.health.verify.tempest_results import SmokeReport
from onestack.health.why import sentence
from onestack.host.lock import held
from onestack.platform import connect
from onestack.platform import outside as ways
from onestack.platform.site import Site


def verify_quick(site: Site, emit: Emit) -> Report:
    """Test the cloud from end to end with two temporary tenants."""

    def connected(**who: str) -> Connection:
        return connect.connection(site, **who)

    ways.require_way(site)
    # Each run removes the leftovers of earlier runs: two at the same time would remove each other's resources.
    with held(site.paths.run / "verify.lock", "onestack verify"):
        return site.leader.network.call(
            lambda: quick.quick(
                connected,
                emit,
                dashboard=site.dashboard,
                explain=lambda ident: sentence(connected(), site.paths.log, ident),
                outside=outside.collect(site) if "network" in site.view.cloud.services else None,
            )
        )


def verify_tempest(site: Site, emit: Emit, *, concurrency: int, tests: str | None) -> SmokeReport:
    """Run Tempest's smoke tests, or those whose names match the regular expression `tests`."""
    ways.require_way(site)
    release = data.having(site.view.cloud.series, "tempest")
    # Before entering the cloud's network namespace, from which no package index is reachable.
    tempest.install(site.paths, release, emit)
    return site.leader.network.call(
        lambda: tempest.smoke(
            lambda **who: connect.connection(site, **who),
            site.paths,
            release,
            emit,
            ca_file=site.ca_file,
            dashboard=site.dashboard or "",
            tests=tests,
            concurrency=concurrency,
        )
    )
