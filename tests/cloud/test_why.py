"""`why server` on a real cloud: a flavor too large, a server group, a disabled host, a quota; what `apply` says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cloud import command
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

SPEC = """\
name: why
flavors: [{name: why-small, vcpus: 1, ram: 128, disk: 1}, {name: why-large, vcpus: 1, ram: 900000, disk: 1}]
tenants:
  - name: why
    quota: {compute: {instances: 3, ram: -1, cores: -1}, volume: {gigabytes: -1}}
    volumes: [{name: huge, size: 9000000}]
    server_groups: [{name: apart, policy: anti-affinity}]
    servers:
      - {name: large, image: tiny, flavor: why-large, networks: []}
      - {name: "apart-${index}", count: 2, image: tiny, flavor: why-small, networks: [], server_group: apart}
"""


@pytest.fixture(scope="module")
def applied(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `apply` said of a spec with servers that find no host."""
    file = tmp_path_factory.mktemp("why") / "why.yaml"
    file.write_text(SPEC)
    try:
        # --force: that they do not fit is known before, and refused.
        done = command.onestack(cloud.paths.root, "apply", str(file), "--force", "--json")
        assert done.returncode == 1, done.stdout + done.stderr
        yield command.lines(done.stdout)[-1]
    finally:
        assert cloud.apply(cloud.removal(file), spec=file).ok


def why(cloud: Cloud, name: str, *words: str) -> tuple[int, dict[str, Any]]:
    done = command.onestack(cloud.paths.root, "why server", name, *words, "--json")
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, found


def test_a_flavor_too_large_for_the_host(cloud: Cloud, applied: dict[str, Any]) -> None:
    status, found = why(cloud, "large", "--project", "why")
    assert (status, found["cause"]) == (1, "room")
    assert "900000 MiB of memory requested" in found["verdict"]
    assert found["hosts"][0]["reasons"]
    assert "Placement had no allocation candidates" in found["facts"]
    (said,) = [each for each in applied["failures"] if each["resource"] == "server why/large"]
    assert "No valid host was found: no host can take server 'large'" in said["error"]
    assert "onestack why server" in said["hint"]
    (said,) = [each for each in applied["failures"] if each["resource"] == "volume why/huge"]
    assert "volume 'huge' could not be created: the only backend, '" in said["error"]
    assert "onestack why volume" in said["hint"]


@pytest.mark.usefixtures("applied")
def test_its_request_is_followed_through_the_services(cloud: Cloud) -> None:
    request = why(cloud, "large", "--project", "why")[1]["request_id"]
    told = command.lines(command.succeed(cloud.paths.root, "logs", "--request", request, "--json"))
    assert {"nova", "placement"} <= {each["process"] for each in told}
    where = [index for index, each in enumerate(told) if "/allocation_candidates?" in each["line"]]
    after = [index for index, each in enumerate(told) if "Got no allocation candidates" in each["line"]]
    assert where[0] < after[0]
    one = command.succeed(cloud.paths.root, "logs", "placement", "--request", request)
    assert "/allocation_candidates?" in one
    assert "nova.scheduler" not in one


def test_a_member_of_a_group_that_is_on_the_only_host(cloud: Cloud, applied: dict[str, Any]) -> None:
    said = " ".join(each["error"] for each in applied["failures"])
    assert "another member of the server group 'apart' runs on it: apart-" in said
    both = {name: why(cloud, name, "--project", "why") for name in ("apart-1", "apart-2")}
    assert sorted(status for status, _ in both.values()) == [0, 1]
    failed = next(found for status, found in both.values() if status)
    assert failed["cause"] == "anti-affinity"
    assert "server group: 'apart', policy anti-affinity" in failed["facts"]
    well = next(found for status, found in both.values() if not status)
    assert "is ACTIVE on the host" in well["verdict"]


@pytest.mark.usefixtures("applied")
def test_a_server_that_a_quota_refused_is_none_and_the_quota_is_said(cloud: Cloud) -> None:
    status, found = why(cloud, "nobody", "--project", "why")
    assert status == 2, found
    assert "the project 'why' uses 3 of 3 instances: Nova refuses a further server" in found["detail"]


def test_a_disabled_host_and_what_is_said_once_it_is_back(cloud: Cloud) -> None:
    def turn(way: str) -> None:
        compute = cloud.connect().compute
        service = next(one for one in compute.services() if one.binary == "nova-compute")
        if way == "off":
            compute.disable_service(service, service.host, service.binary, "a test of why")
        else:
            compute.enable_service(service, service.host, service.binary)

    def asked_for() -> str:
        admin = cloud.connect()
        server = admin.compute.create_server(
            name="why-off",
            image_id=admin.image.find_image("tiny").id,
            flavor_id=admin.compute.find_flavor("m1.small").id,
            networks="none",
        )
        until(
            "the server to be in ERROR",
            lambda: ((now := admin.compute.get_server(server.id).status) == "ERROR", now),
            seconds=60,
            every=0.3,
        )
        return str(server.id)

    cloud.run(lambda: turn("off"))
    try:
        ident = cloud.run(asked_for)
        status, found = why(cloud, ident)
        assert (status, found["cause"]) == (1, "disabled"), found
        assert "its compute service is disabled (a test of why)" in found["verdict"]
    finally:
        cloud.run(lambda: turn("on"))
    try:
        until(
            "Placement to know that the host is back",
            lambda: ((found := why(cloud, ident)[1])["cause"] == "passed", found["verdict"]),
            seconds=60,
            every=1,
        )
        assert (
            "Placement had none with the requested resources and traits; now"
            in why(cloud, ident)[1]["verdict"]
        )
    finally:
        cloud.run(lambda: cloud.connect().compute.delete_server(ident))
