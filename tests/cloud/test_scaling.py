"""A scaling group of real guests behind a balancer: it follows a load, and no request is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud import groups
from onestack import Cloud
from onestack.autoscaling import record
from onestack.autoscaling.trial.load import Load
from onestack.autoscaling.trial.step import step_load
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

SPEC = """\
name: scaled
tenants:
  - name: scaled
    networks: [{{name: front, subnets: [{{cidr: 10.21.0.0/24}}]}}]
    routers: [{{name: edge, external: public, networks: [front]}}]
    security_groups: [{{name: web, rules: [{{protocol: tcp, ports: 80}}]}}, {{name: closed}}]
    load_balancers:
      - name: shop
        network: front
        floating_ip: public
        listeners: [{{name: web, protocol: HTTP, port: 80, pool: web}}]
        pools:
          - name: web
            protocol: HTTP
            monitor: {{type: HTTP, path: /, delay: 2, timeout: 2, retries: 2}}
    scaling_groups:
      - name: web
        min: 1
        max: 2
        server: {{image: tiny, flavor: m1.nano, network: front, security_groups: [{lets_in}], user_data: "{script}"}}
        load_balancer: {{name: shop, pool: web, port: 80}}
        warm_up: 1s
        health: {{from: [compute, load_balancer], grace: {grace}}}
        policies:
          - {{type: target, metric: requests_per_second, target: 4}}
        scale_in: {{stabilize: 15s, drain: 10s}}
"""
WEB = "scaled/web"
QUIET, BUSY = 1.0, 7.0
"""Requests a second that take one member, and two."""


def written(folder: Path, script: str = "#!/bin/true", lets_in: str = "web", grace: str = "60s") -> Path:
    file = folder / "scaled.yaml"
    file.write_text(SPEC.format(script=script, lets_in=lets_in, grace=grace))
    return file


@contextmanager
def loaded(cloud: Cloud) -> Iterator[None]:
    """A little load during the body, of which nothing may be lost."""
    address = cloud.scaling_groups.address(WEB)
    load = cloud.run(lambda: Load(address, QUIET))
    try:
        yield
    finally:
        answers = load.stop()
    assert [answer.wrong for answer in answers if answer.wrong] == []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scaled")


@pytest.fixture(scope="module")
def shop(cloud: Cloud, place: Path) -> Iterator[str]:
    """A group of one; gives its project's id."""
    with groups.applied(cloud, written(place), WEB) as project:
        groups.settles(cloud, WEB, 1)
        yield project


@pytest.mark.usefixtures("shop")
def test_it_grows_with_the_load_and_shrinks_with_it_and_loses_nothing(cloud: Cloud) -> None:
    report = cloud.run(
        lambda: step_load(cloud.scaling_groups, WEB, low=QUIET, high=BUSY, seconds=60, back=groups.SECONDS)
    )
    assert report.failures == ()
    assert report.requests > 60 * BUSY / 2
    assert (report.before, report.largest, report.after) == (1, 2, 1)
    assert report.decision is not None
    assert report.first_answer is not None and report.first_answer > report.decision
    told = [(each["kind"], each.get("verb")) for each in cloud.scaling_groups.history(WEB, 500)]
    for verb in ("create", "join", "drain", "part", "delete"):
        assert ("action", verb) in told


def test_a_changed_template_reaches_every_member_and_loses_nothing(
    cloud: Cloud, place: Path, shop: str
) -> None:
    before = {server["id"] for server in groups.members(cloud, shop)}
    with loaded(cloud):
        file = written(place, "#!/bin/true changed")
        assert cloud.apply(spec=file).ok
        groups.settles(cloud, WEB, 1)
        digest = cloud.scaling_groups.group(WEB).record.digest

        def renewed() -> tuple[bool, str]:
            there = groups.members(cloud, shop)
            seen = [(server["id"], server["status"]) for server in there]
            return [server["metadata"][record.DIGEST] for server in there] == [digest], str(seen)

        until("the members to be of the new template", renewed, seconds=groups.SECONDS, every=1.0)
    assert not before & {server["id"] for server in groups.members(cloud, shop)}
    assert cloud.plan(file).empty


def test_a_member_that_somebody_deletes_is_replaced(cloud: Cloud, shop: str) -> None:
    (member,) = groups.members(cloud, shop)
    cloud.run(lambda: cloud.connect().compute.delete_server(member["id"]))

    def replaced() -> tuple[bool, str]:
        there = groups.members(cloud, shop)
        return bool(there) and member["id"] not in {each["id"] for each in there}, str(len(there))

    until("another member", replaced, seconds=groups.SECONDS, every=1.0)
    groups.settles(cloud, WEB, 1)


def test_a_template_whose_members_never_answer_is_taken_back(cloud: Cloud, place: Path, shop: str) -> None:
    (before,) = groups.members(cloud, shop)
    good = cloud.scaling_groups.group(WEB).record.digest
    with loaded(cloud):
        bad = written(place, lets_in="closed", grace="5s")
        assert cloud.apply(spec=bad).ok
        assert cloud.scaling_groups.group(WEB).record.digest != good

        def taken_back() -> tuple[bool, str]:
            group = cloud.scaling_groups.group(WEB)
            there = len(groups.members(cloud, shop))
            said = group.status.get("problems")
            return (
                group.record.phase == record.ROLLED_BACK and there == 1,
                f"{group.record.phase}, {there}, {said}",
            )

        until("the template before to be back", taken_back, seconds=groups.SECONDS, every=1.0)
    told = cloud.scaling_groups.history(WEB, 500)
    (why,) = [each["why"] for each in told if each["kind"] == "rolled back"]
    assert "unhealthy for" in why
    (after,) = groups.members(cloud, shop)
    assert (after["id"], after["metadata"][record.DIGEST]) == (before["id"], good)
    assert not cloud.plan(bad).empty, "what was taken back is not what the file says"
    assert cloud.apply(spec=written(place, "#!/bin/true changed")).ok
    groups.settles(cloud, WEB, 1)
    assert [server["id"] for server in groups.members(cloud, shop)] == [before["id"]]


def test_a_member_that_hangs_is_replaced(cloud: Cloud, place: Path, shop: str) -> None:
    assert cloud.apply(spec=written(place, "#!/bin/true changed", grace="40s")).ok
    (member,) = groups.members(cloud, shop)
    domain = member["OS-EXT-SRV-ATTR:instance_name"]
    cloud.site.leader.inside(["virsh", "suspend", domain])
    assert cloud.site.leader.inside(["virsh", "domstate", domain]).strip() == "paused"

    def replaced() -> tuple[bool, str]:
        there = groups.members(cloud, shop)
        seen = [(server["id"], server["status"]) for server in there]
        return bool(there) and member["id"] not in {server["id"] for server in there}, str(seen)

    until("another member", replaced, seconds=groups.SECONDS, every=1.0)
    groups.settles(cloud, WEB, 1)


def test_services_that_are_away_change_nothing(cloud: Cloud, shop: str) -> None:
    """The last decision holds, the status says so, and guests serve on."""
    before = groups.members(cloud, shop)
    supervisor = cloud.site.leader.supervisor
    away = [name for name in ("nova", "octavia", "keystone", "prometheus") if supervisor.program(name)]

    def held() -> tuple[bool, str]:
        problems = " ".join(cloud.status().scaling)
        return "left as it is" in problems, problems

    with loaded(cloud):
        try:
            for name in away:
                supervisor.stop(name)
            until("the group to be left as it is", held, seconds=120, every=1.0)
        finally:
            cloud.up()
        groups.settles(cloud, WEB, 1)
    after = groups.members(cloud, shop)
    assert [server["id"] for server in after] == [server["id"] for server in before]


def test_what_stops_a_group_is_said_and_what_it_has_is_kept(cloud: Cloud, shop: str) -> None:
    def allow(instances: int) -> None:
        cloud.run(lambda: cloud.connect().set_compute_quotas(shop, instances=instances))

    allow(1)
    try:
        cloud.scaling_groups.resize(WEB, 2)

        def said() -> tuple[bool, str]:
            problems = " ".join(cloud.scaling_groups.group(WEB).status.get("problems", ()))
            return "uota exceeded" in problems, problems

        until("the quota to be named", said, seconds=120, every=1.0)
        assert len(groups.members(cloud, shop)) == 1
    finally:
        allow(10)
        cloud.scaling_groups.resize(WEB, 1)
    groups.settles(cloud, WEB, 1)
