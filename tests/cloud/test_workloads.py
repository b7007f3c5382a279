"""A company's cloud from one file: planned, applied, changed by hand and mended, cut off, taken away."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import openstack
import pytest

from cloud import command
from cloud.hand_made import DEEDS, Acme
from onestack import Cloud
from onestack.workloads.plan.document import as_data

pytestmark = pytest.mark.cloud

ROOT = Path(__file__).parents[2]
ACME = ROOT / "examples/acme.yaml"


def left_of_acme(cloud: Cloud) -> list[str]:
    """Everything in any project, in any service, that bears the mark or lies in one of its tenants."""

    def look() -> list[str]:
        admin = cloud.connect()
        names = {"acme-shop", "acme-lab", "acme-office"}
        found = [f"project {one.name}" for one in admin.identity.projects() if one.name in names]
        found += [
            f"user {one.name}" for one in admin.identity.users() if one.name.rpartition("-")[0] in names
        ]
        found += [
            f"group {one.name}" for one in admin.identity.groups() if one.name.rpartition("-")[0] in names
        ]
        servers = admin.compute.servers(all_projects=True)
        found += [
            f"server {one.name}" for one in servers if one.metadata.get("onestack", "").startswith("acme:")
        ]
        found += [f"flavor {one.name}" for one in admin.compute.flavors() if one.name == "acme-web"]
        network = admin.network
        for kind, listed in {
            "network": network.networks(),
            "subnet": network.subnets(),
            "router": network.routers(),
            "floating ip": network.ips(),
            "security group": network.security_groups(),
            "port": network.ports(),
        }.items():
            projects = {one.id for one in admin.identity.projects()}
            for one in listed:
                foreign = one.project_id and one.project_id not in projects
                if foreign or "[onestack acme:" in (one.description or ""):
                    found.append(f"{kind} {one.name or one.id}")
        return found

    return cloud.run(look)


@pytest.fixture(scope="module")
def acme(pretending: Cloud) -> Cloud:
    outcome = pretending.apply(spec=ACME)
    assert outcome.ok, outcome.as_dict()
    return pretending


def test_a_second_plan_has_nothing_to_do(acme: Cloud) -> None:
    assert acme.plan(ACME).empty, as_data(acme.plan(ACME))["changes"]
    done = command.onestack(acme.paths.root, "plan", str(ACME), "--detailed-exitcode")
    assert done.returncode == 0
    assert "No changes." in done.stdout


@pytest.mark.parametrize("name", DEEDS)
def test_drift_names_what_was_done_by_hand_and_apply_mends_it(acme: Cloud, name: str) -> None:
    deed = DEEDS[name]
    acme.run(lambda: deed.does(Acme(acme.connect())))
    drift = acme.drift(ACME)
    assert [(one.action, str(one.address)) for one in drift.changes] == [(deed.action, deed.address)]
    if deed.field:
        assert list(drift.changes[0].fields) == [deed.field]
    outcome = acme.apply(drift, spec=ACME)
    assert outcome.ok, outcome.as_dict()
    assert acme.drift(ACME).empty


def test_drift_is_watched(acme: Cloud) -> None:
    """`--watch` tells what is new, once, and when it is gone again; Ctrl-C ends it."""

    def names() -> list[str]:
        assert watch.stdout is not None
        told = json.loads(watch.stdout.readline())
        return [f"{one['action']} {one['kind']} {'/'.join(one['path'])}" for one in told["changes"]]

    deed = DEEDS["renamed network"]
    with command.start(acme.paths.root, "drift", str(ACME), "--watch", "0.5", "--json") as watch:
        try:
            assert names() == []
            acme.run(lambda: deed.does(Acme(acme.connect())))
            assert names() == [f"{deed.action} {deed.address}"]
            assert acme.apply(spec=ACME).ok
            assert names() == []
        finally:
            watch.send_signal(signal.SIGINT)
        assert watch.wait(60) == 130


def test_a_tenants_user_sees_its_own_and_is_held_to_its_quota(acme: Cloud) -> None:
    password = (acme.paths.etc / "passwords/acme-lab-lead").read_text().strip()

    def as_lead() -> tuple[set[str], set[str], str]:
        lead = acme.connect(user="acme-lab-lead", password=password, project="acme-lab")
        servers = {one.name for one in lead.compute.servers()}
        networks = {one.name for one in lead.network.networks()}
        flavor, image = lead.compute.find_flavor("acme-web"), lead.image.find_image("tiny")
        refused = "not refused"
        try:
            lead.compute.create_server(
                name="more", flavor_id=flavor.id, image_id=image.id, networks="none", min_count=3
            )
        except openstack.exceptions.ForbiddenException as error:
            refused = str(error)
        return servers, networks, refused

    servers, networks, refused = acme.run(as_lead)
    assert servers == {"bench"}
    assert networks == {"front", "back", "public"}
    assert "Quota exceeded for instances" in refused


def test_a_written_plan_is_refused_once_the_cloud_has_moved(acme: Cloud, tmp_path: Path) -> None:
    root, file = acme.paths.root, tmp_path / "plan.json"
    acme.run(lambda: DEEDS["renamed network"].does(Acme(acme.connect())))
    done = command.onestack(root, "plan", str(ACME), "--out", str(file), "--detailed-exitcode")
    assert done.returncode == 2
    assert json.loads(file.read_text())["version"] == 1
    acme.run(lambda: DEEDS["disabled user"].does(Acme(acme.connect())))
    refused = command.onestack(root, "apply", str(file))
    assert refused.returncode == 2
    assert "the plan is stale" in refused.stderr
    assert acme.apply(spec=ACME).ok


def test_what_left_the_file_is_kept_until_pruned(acme: Cloud, tmp_path: Path) -> None:
    less = tmp_path / "less.yaml"
    less.write_text(ACME.read_text().replace("  - name: acme-office\n    like: standard\n", ""))
    plan = acme.plan(less)
    assert plan.empty
    assert "tenant acme-office" in {str(one.address) for one in plan.left}
    assert {one.action for one in acme.plan(less, prune=True).changes} == {"delete"}


def test_destroy_leaves_nothing_of_ours(acme: Cloud) -> None:
    done = command.onestack(acme.paths.root, "destroy", str(ACME), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert left_of_acme(acme) == []
    assert acme.removal(ACME).empty
