"""The checks as calls on a site: what each needs of the cloud, and that two of a kind never run at a time."""

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
from onestack.platform.site import Site


def verify_quick(site: Site, emit: Emit) -> Report:
    """Try the cloud from end to end as two throw-away tenants."""

    def connected(**who: str) -> Connection:
        return connect.connection(site, **who)

    # Each run removes what an earlier one left: two at a time would remove each other's.
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
    """Run Tempest's smoke tests, or those whose names the regular expression `tests` is found in."""
    release = data.release(site.view.cloud.series)
    # Before the cloud's network is joined: that reaches no package index.
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
