"""A cloud that is up: what its commands say of it, what another `up` does to it, what OpenStack's tools see."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from pathlib import Path

import pytest

from cloud import health
from cloud.command import lines, onestack, start, succeed
from onestack import Cloud
from onestack.core.wait import until
from onestack.platform import markers
from onestack.platform.infrastructure import mariadb

pytestmark = pytest.mark.cloud


def test_status_says_healthy_and_names_every_process(cloud: Cloud) -> None:
    health.wait_healthy(cloud)
    done = onestack(cloud.paths.root, "status", "--json")
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout)
    assert (told["health"], told["reasons"]) == ("healthy", [])
    assert [each["name"] for each in told["processes"]] == list(health.PROCESSES)
    assert all(each["answers"] and each["pid"] and each["memory"] for each in told["processes"])
    assert {"nova-compute", "nova-scheduler", "nova-conductor"} <= {each["kind"] for each in told["workers"]}
    assert all(each["alive"] for each in told["workers"])
    assert told["chosen"]["virt_type"]
    assert "healthy" in succeed(cloud.paths.root, "status")


def test_another_up_changes_nothing(cloud: Cloud) -> None:
    before = health.pids(cloud)
    # The autoscaler runs from the first scaling group on, which an earlier test may have had.
    assert set(before) - {"autoscaler"} == {*health.PROCESSES, "keeper", "supervisord"}
    secrets = (cloud.paths.etc / "secrets.json").read_text()
    said = lines(succeed(cloud.paths.root, "up", "--json"))
    assert said[-1]["endpoints"]["compute"].endswith("/compute")
    assert not [each for each in said if each.get("state") == "failed"]
    assert health.pids(cloud) == before
    assert (cloud.paths.etc / "secrets.json").read_text() == secrets


def test_what_an_older_version_noted_in_files_is_taken_over(cloud: Cloud) -> None:
    node = cloud.site.leader
    before = markers.Markers(node).load()
    folder = node.outside(mariadb.DATA)
    files = {
        "onestack-databases": before[markers.DATABASES],
        "onestack-bootstrapped": before[markers.BOOTSTRAP],
        "onestack-furnished": "".join(
            f"{name.removeprefix(markers.FURNISHED)}\n"
            for name in before
            if name.startswith(markers.FURNISHED)
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    node.inside(mariadb.client(), text_in=f"DROP DATABASE `{markers.SCHEMA}`;\n")
    said = lines(succeed(cloud.paths.root, "up", "--json"))
    assert not [
        each for each in said if each.get("step") in ("databases", "administrator and catalogue", "image")
    ]
    assert not [name for name in files if (folder / name).exists()]
    assert markers.Markers(node).load() == before


def test_a_second_up_at_the_same_time_says_who_is_at_work(cloud: Cloud) -> None:
    root = cloud.paths.root
    lock = cloud.paths.run.parent / "onestack.lock"
    with start(root, "up", "--json") as first:
        try:
            until(
                "the first `up` to hold the lock",
                lambda: (str(first.pid) in lock.read_text(), lock.read_text()),
                seconds=60,
                every=0.02,
            )
            # Held still, so that it cannot be done before the second one asks.
            first.send_signal(signal.SIGSTOP)
            second = onestack(root, "up", "--json")
            assert second.returncode == 1
            told = lines(second.stdout)[-1]
            assert f"onestack up (pid {first.pid}" in told["error"]
            assert told["hint"]
            with start(root, "up", "--wait", "300", "--json") as patient:
                first.send_signal(signal.SIGCONT)
                output, _ = patient.communicate(timeout=300)
                assert patient.returncode == 0, output
        finally:
            first.send_signal(signal.SIGCONT)
        output, _ = first.communicate(timeout=300)
    assert first.returncode == 0, output


def test_openstacks_own_command_line_works(cloud: Cloud) -> None:
    root = cloud.paths.root

    def openstack(*words: str) -> object:
        return json.loads(succeed(root, "exec", "openstack", *words, "-f", "json"))

    assert openstack("server", "list", "--all-projects") is not None
    types = {row["Type"] for row in openstack("catalog", "list")}  # type: ignore[attr-defined]
    assert {"identity", "image", "placement", "network", "compute"} <= types
    refused = onestack(root, "exec", "openstack", "server", "show", "nobody")
    assert refused.returncode != 0
    assert "nobody" in refused.stderr


def test_the_variables_and_the_file_for_clients_lead_to_the_cloud(cloud: Cloud) -> None:
    root = cloud.paths.root
    exports = [shlex.split(line) for line in succeed(root, "openrc").splitlines()]
    variables = dict(words[1].split("=", 1) for words in exports)
    assert all(words[0] == "export" for words in exports)
    assert variables["OS_AUTH_URL"] == f"{cloud.site.gateway}/identity/v3"
    assert variables == json.loads(succeed(root, "openrc", "--json"))
    # With a client of this machine's in the cloud's network, by its clouds.yaml alone.
    file = lines(succeed(root, "up", "--json"))[-1]["clouds_yaml"]
    script = (
        "import openstack; print(openstack.connect(cloud='onestack').compute.get('/flavors').status_code)"
    )
    words = ["env", "-i", f"OS_CLIENT_CONFIG_FILE={file}", "PATH=/usr/bin:/bin"]
    assert succeed(root, "exec", *words, sys.executable, "-W", "ignore", "-c", script).strip() == "200"


def test_logs_are_shown_merged_and_one_by_one(cloud: Cloud) -> None:
    root = cloud.paths.root
    assert succeed(root, "logs", "keystone", "-n", "5").strip()
    found = lines(succeed(root, "logs", "--since", "1d", "--json"))
    assert {"keystone", "nova", "neutron"} <= {each["process"] for each in found}
    wrong = onestack(root, "logs", "nobody", "--json")
    assert (wrong.returncode, "nobody" in wrong.stdout) == (2, True)


def test_a_folder_without_a_cloud_is_said_to_have_none(cloud_roots: Path) -> None:
    empty = cloud_roots / "empty"
    for name in ("status", "openrc", "verify"):
        done = onestack(empty, name, "--json")
        assert done.returncode == 2, name
        assert "there is no cloud" in lines(done.stdout)[-1]["error"]
    assert not empty.exists()
