"""A suite of upstream's runs against the cloud, and nothing of it stays, however it ends."""

from __future__ import annotations

import json
import signal

import pytest
from openstack.connection import Connection

from cloud.command import start
from onestack import Cloud
from onestack.core.errors import BadInput
from onestack.health.verify import sdk

pytestmark = pytest.mark.cloud

SUITE = "openstacksdk"
SOME = r"placement\.|network\.v2\.test_(address_scope|qos_policy|auto_allocated)|identity\.v3\.test_region"


def held(admin: Connection) -> dict[str, set[str]]:
    """Ids of what a suite makes, in all of the cloud."""
    keystone = sdk.identity(admin)
    return {
        "domains": {each.id for each in keystone.domains()},
        "projects": {each.id for each in keystone.projects()},
        "users": {each.id for each in keystone.users()},
        "regions": {each.id for each in keystone.regions()},
        "flavors": {each.id for each in admin.compute.flavors(is_public=None)},
        "networks": {each.id for each in admin.network.networks()},
        "routers": {each.id for each in admin.network.routers()},
        "pools": {each.id for each in admin.network.subnet_pools()},
        "default networks": {each.id for each in admin.network.networks(is_default=True)},
    }


def test_a_killed_run_is_tidied_up_by_the_next_and_the_next_leaves_nothing(pretending: Cloud) -> None:
    before = pretending.run(lambda: held(pretending.connect()))
    with start(pretending.paths.root, "verify", "--suite", SUITE, "--only", SOME, "--json") as command:
        assert command.stdout is not None
        for line in command.stdout:
            event = json.loads(line)
            if (event.get("step"), event.get("state")) == (f"{SUITE} tests", "progressed"):
                command.send_signal(signal.SIGKILL)
                break
        command.wait(timeout=60)
    assert pretending.run(lambda: held(pretending.connect())) != before, (
        "it was killed while it held something"
    )

    report = pretending.verify_suite(SUITE, only=SOME)
    assert report.exit_status == 0, report.as_dict()
    assert len(report.passed) > 5
    assert pretending.run(lambda: held(pretending.connect())) == before


def test_a_part_that_no_test_belongs_to_is_refused(pretending: Cloud) -> None:
    before = pretending.run(lambda: held(pretending.connect()))
    with pytest.raises(BadInput, match="no test of openstacksdk"):
        pretending.verify_suite(SUITE, only="no_such_test")
    assert pretending.run(lambda: held(pretending.connect())) == before
