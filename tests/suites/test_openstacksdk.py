"""The suite of openstacksdk: DevStack's entries, its own users, tests that share subnets by one worker."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from onestack.core.paths import Paths
from onestack.health.verify.suites import domain, openstacksdk
from onestack.health.verify.suites.suite import Phase, Place, Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    config = SimpleNamespace(
        get_auth_args=lambda: {"auth_url": "http://127.0.0.1:8080/identity/v3"},
        get_region_name=lambda: "RegionOne",
    )
    place = Place(Paths.at(tmp_path, tmp_path), "openstacksdk")
    return Stage(
        SimpleNamespace(config=config),
        frozenset({"identity", "network"}),
        "tiny",
        "public",
        place,
        "pa$$word",
    )


def test_entries_name_users_of_the_suites_own_domain(stage: Stage) -> None:
    entries = {name: domain.entry(stage, login)["auth"] for name, login in openstacksdk.CLOUDS.items()}
    assert {entry["user_domain_name"] for entry in entries.values()} == {"onestack-suite-openstacksdk"}
    assert entries["devstack"]["project_name"] == "demo"
    assert entries["devstack-system-admin"]["system_scope"] == "all"
    assert "project_name" not in entries["devstack-system-admin"]


def test_every_entry_is_granted_a_role_where_it_logs_in() -> None:
    granted = {(grant.user, grant.project) for grant in openstacksdk.GRANTS}
    assert {(login.user, login.project) for login in openstacksdk.CLOUDS.values()} <= granted


def test_tests_of_balancers_come_after_those_that_delete_subnets(stage: Stage) -> None:
    names = [
        "load_balancer.v2.test_load_balancer.T.test_a",
        "network.v2.test_port.T.test_b",
        "image.v2.x.T.test_c",
    ]
    tests = [f"openstack.tests.functional.{name}" for name in names]
    others, balancers = openstacksdk.phases(tests, 2)
    assert (others.tests, balancers.tests) == ((tests[1], tests[2]), (tests[0],))
    assert balancers.concurrency > others.concurrency == 2
    assert [phase.tests for phase in openstacksdk.phases(tests[1:], 2)] == [tuple(tests[1:])]


@pytest.mark.parametrize(("apart", "workers"), [(True, 3), (False, 2)])
def test_tests_of_a_class_stay_together_unless_they_may_not(stage: Stage, apart: bool, workers: int) -> None:
    words = openstacksdk.command(stage.place, "tests.txt", Phase((), 2, apart))
    group = re.compile(words[words.index("--group-regex") + 1])
    names = ["a.v2.test_m.T.test_a", "a.v2.test_m.T.test_b", "a.v2.test_m.U.test_c"]
    assert len({found[0] for name in names if (found := group.match(name))}) == workers


def test_the_password_is_in_no_repr(stage: Stage) -> None:
    assert "word" not in repr(stage).replace("password", "")


def test_tests_of_services_that_are_not_there_are_left_out(stage: Stage) -> None:
    tests = stage.place.packages / "openstack/tests/functional"
    for name in ("identity", "network", "compute", "examples"):
        (tests / name).mkdir(parents=True)
    (tests / "base.py").touch()
    stage.place.folder.mkdir(parents=True)
    variables = openstacksdk.configure(stage)
    assert sorted(each.name for each in tests.iterdir()) == ["base.py", "identity", "network"]
    assert variables["OPENSTACKSDK_IMAGE"] == "tiny"
    clouds = stage.place.folder / "clouds.yaml"
    assert clouds.stat().st_mode & 0o777 == 0o600
    assert "pa$$word" in clouds.read_text()
