"""The audit log names each changing call of a session once, and whose it was; reads are not in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from openstack.connection import Connection
from openstack.exceptions import HttpException, SDKException

from cloud.command import lines, succeed
from onestack import Cloud

pytestmark = pytest.mark.cloud

PASSWORD = "Not-the-right-one-7"


@dataclass
class Session:
    """What one connection asked: (request id, status) of each call that changes something, and the ids of reads."""

    connection: Connection
    changes: dict[str, int] = field(default_factory=dict)
    reads: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection.session.session = found = requests.Session()
        found.hooks["response"].append(self._heard)

    def _heard(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        ident = answer.headers.get("x-openstack-request-id", "")
        if answer.request.method in ("GET", "HEAD"):
            self.reads.add(ident)
        else:
            assert ident, answer.url
            self.changes[ident] = answer.status_code


@pytest.fixture
def session(cloud: Cloud) -> Iterator[Session]:
    """One that has done something with each API, also what is refused, and with a project of its own."""

    def work() -> Session:
        admin = cloud.connect()
        project = admin.identity.create_project(name="audited", domain_id="default")
        user = admin.identity.create_user(name="auditee", password=PASSWORD[::-1], domain_id="default")
        role = admin.identity.find_role("member")
        admin.identity.assign_project_role_to_user(project, user, role)
        try:
            made = Session(cloud.connect(user="auditee", password=PASSWORD[::-1], project="audited"))
            _use(made.connection)
        finally:
            admin.identity.delete_user(user)
            admin.identity.delete_project(project)
        return made

    yield cloud.run(work)


def _use(mine: Connection) -> None:
    network = mine.network.create_network(name="audited")
    port = mine.network.create_port(network_id=network.id)
    mine.network.update_port(port, name="renamed")
    list(mine.network.ports())
    image = mine.image.create_image("audited", data=b"x" * 100, disk_format="raw", container_format="bare")
    list(mine.image.images())
    volume = mine.block_storage.create_volume(size=1, name="audited")
    mine.block_storage.wait_for_status(volume, "available", wait=60)
    mine.block_storage.set_volume_readonly(volume, True)
    mine.compute.create_keypair(name="audited")
    list(mine.compute.servers())
    credential = mine.identity.create_application_credential(mine.current_user_id, "audited")
    # Refused: another's, what is not there, what is not allowed.
    for refused in (
        lambda: mine.compute.delete_server("none", ignore_missing=False),
        lambda: mine.identity.create_user(name="nobody"),
        lambda: mine.compute.create_flavor(name="none", ram=1, vcpus=1, disk=1),
        lambda: mine.load_balancer.create_load_balancer(vip_subnet_id="none"),
        lambda: mine.placement.put("/traits/CUSTOM_AUDITED"),
    ):
        try:
            answer = refused()
        except HttpException:
            continue
        assert getattr(answer, "status_code", 0) >= 400
    mine.identity.delete_application_credential(mine.current_user_id, credential)
    mine.compute.delete_keypair("audited")
    mine.block_storage.delete_volume(volume)
    mine.image.delete_image(image)
    mine.network.delete_port(port)
    mine.network.delete_network(network)


def events(cloud: Cloud, *words: str) -> list[dict[str, Any]]:
    return lines(succeed(cloud.paths.root, "audit", "--json", "-n", "0", *words))


def test_each_changing_call_is_named_once_with_its_answer(cloud: Cloud, session: Session) -> None:
    found = events(cloud, "--since", "1h")
    ids = [each["initiator"]["request_id"] for each in found]
    assert len(session.changes) > 15
    assert [ids.count(each) for each in session.changes] == [1] * len(session.changes)
    assert session.reads.isdisjoint(ids)
    answers = {each["initiator"]["request_id"]: each["reason"]["reasonCode"] for each in found}
    assert {each: answers[each] for each in session.changes} == {
        each: str(status) for each, status in session.changes.items()
    }
    mine = [each for each in found if each["initiator"]["request_id"] in session.changes]
    assert {each["observer"]["name"] for each in mine} >= {
        *("keystone", "glance", "placement", "neutron", "nova", "cinder", "octavia")
    }
    for each in mine:
        who = each["initiator"]
        assert (who["name"], who["project_name"]) == ("auditee", "audited"), each
        assert who["host"]["address"], each
    actions = {each["action"] for each in mine}
    assert {"authenticate", "create", "update", "delete", "update/os-update_readonly_flag"} <= actions
    by_name = events(cloud, "--user", "auditee", "--project", "audited")
    assert {*session.changes} <= {each["initiator"]["request_id"] for each in by_name}
    assert PASSWORD[::-1] not in json.dumps(found)


def test_logins_that_fail_are_in_it_with_whose(cloud: Cloud) -> None:
    def wrong(user: str) -> None:
        with pytest.raises(SDKException, match="401"):
            cloud.connect(user=user, password=PASSWORD).authorize()

    cloud.run(lambda: [wrong("admin"), wrong("no-such-user")])
    failed = [
        each
        for each in events(cloud, "--since", "10m")
        if (each["action"], each["outcome"]) == ("authenticate", "failure")
    ]
    assert [each["initiator"].get("name") for each in failed[-2:]] == ["admin", None]
    assert {each["reason"]["reasonCode"] for each in failed[-2:]} == {"401"}
    assert PASSWORD not in (cloud.paths.log / "audit/audit.jsonl").read_text()
    shown = succeed(cloud.paths.root, "audit", "--user", "admin", "-n", "5")
    assert "authenticate" in shown
    assert "401" in shown


def test_what_services_do_by_themselves_is_shown_on_request(cloud: Cloud) -> None:
    own = {each["initiator"].get("project_name") for each in events(cloud)}
    every = {each["initiator"].get("project_name") for each in events(cloud, "--services")}
    assert "service" not in own
    assert "service" in every


def test_root_alone_reads_it(cloud: Cloud) -> None:
    file = cloud.paths.log / "audit/audit.jsonl"
    assert (file.parent.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
