"""What a host's user may do in RabbitMQ: names of queues and exchanges as oslo.messaging makes them."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, cast

import pytest

from hosts.conftest import Views, views
from onestack.host.command import CommandFailed
from onestack.platform.bus_users import definitions, password_hash, permissions, topic_permissions
from onestack.platform.infrastructure import rabbitmq

if TYPE_CHECKING:
    from onestack.platform.node import Node

OWN_QUEUES = (
    *("compute", "compute.n1", "compute-alt", "compute-alt.n1"),
    *("compute_fanout_n1:nova:3", "compute-alt_fanout_n1:nova:12", "reply_n1:nova:1"),
)
OTHERS_QUEUES = (
    *("compute.n2", "compute.n10", "compute.c1", "compute-alt.n2", "compute_fanout_n2:nova:3"),
    *("reply_n2:nova:1", "reply_c1:nova:2", "reply_n1x:nova:1", "conductor", "conductor.c1", "scheduler"),
    *("scheduler_fanout_c1:nova:1", "conductor_fanout_c1:nova:4", "xcompute.n1", "compute.n1.x"),
)


def allowed(pattern: str, name: str) -> bool:
    return re.search(pattern, name) is not None


@pytest.mark.parametrize("name", OWN_QUEUES)
def test_a_compute_host_has_its_own_queues(hosts: Views, name: str) -> None:
    found = permissions(hosts["n1"].here)
    assert all(allowed(pattern, name) for pattern in found.values())


@pytest.mark.parametrize("name", OTHERS_QUEUES)
def test_a_compute_host_can_neither_make_nor_read_queues_of_others(hosts: Views, name: str) -> None:
    found = permissions(hosts["n1"].here)
    assert not [action for action, pattern in found.items() if allowed(pattern, name)]


def test_a_compute_host_sends_to_those_that_nova_compute_calls(hosts: Views) -> None:
    found = permissions(hosts["n1"].here)
    for exchange in ("nova", "scheduler_fanout"):
        assert allowed(found["configure"], exchange) and allowed(found["write"], exchange)
    assert allowed(found["write"], "amq.default")
    assert not allowed(found["write"], "compute_fanout"), "what goes to all of them comes from control"
    topics = topic_permissions(hosts["n1"].here)
    for topic in ("conductor", "scheduler", "compute.n2", "compute-alt.c1"):
        assert allowed(topics["write"], topic)
    assert not allowed(topics["write"], "compute")
    assert not allowed(topics["write"], "conductor.c1")


def test_a_compute_host_cannot_bind_a_queue_of_its_own_to_what_is_sent_to_others(hosts: Views) -> None:
    topics = topic_permissions(hosts["n1"].here)
    for topic in ("compute", "compute.n1", "compute-alt", "compute-alt.n1"):
        assert allowed(topics["read"], topic)
    for topic in (
        "compute.n2",
        "compute.n11",
        "conductor",
        "scheduler",
        "#",
        "compute.*",
        "*.n1",
        "notifications.info",
    ):
        assert not allowed(topics["read"], topic)


def test_a_name_is_no_pattern() -> None:
    host = views({"c1": frozenset({"control"}), "n.1": frozenset({"compute"})})["n.1"].here
    found = permissions(host)
    assert allowed(found["read"], "compute.n.1")
    assert not allowed(found["read"], "compute.nx1")


def test_every_host_has_a_user_and_a_host_without_nova_may_nothing() -> None:
    roles = {"c1": frozenset({"control"}), "n1": frozenset({"compute"}), "g1": frozenset({"network"})}
    found = definitions(views(roles)["c1"])
    assert [each["name"] for each in found["users"]] == ["c1", "g1", "n1"]
    by_user = {each["user"]: each for each in found["permissions"]}
    assert by_user["c1"]["configure"] == ".*"
    assert not allowed(by_user["g1"]["read"], "nova") and not allowed(by_user["g1"]["write"], "amq.default")
    assert "secret-of" not in str(found), "passwords are there by their hashes"


def test_the_hash_of_a_password_is_rabbitmqs_and_stays_the_same() -> None:
    found = base64.b64decode(password_hash("n1", "secret"))
    assert found[4:] == hashlib.sha256(found[:4] + b"secret").digest()
    assert password_hash("n1", "secret") == password_hash("n1", "secret") != password_hash("n2", "secret")


class _Flaky:
    """A node that `rabbitmqctl` does not reach at first. `statuses`: how each call but the last ends."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = [*statuses]
        self.commands: list[list[str]] = []

    def inside(self, argv: list[str], **options: object) -> str:
        self.commands.append(argv)
        if self.statuses:
            raise CommandFailed(argv, self.statuses.pop(0), "unable to connect to node\nDIAGNOSTICS")
        return "[]"

    def log(self, name: str) -> str:
        return f"{name}.log"


def test_rabbitmq_is_asked_again_only_where_it_was_not_reached(hosts: Views) -> None:
    node = _Flaky(69, 75)
    assert rabbitmq.ask(cast("Node", node), hosts["c1"], "list_users") == "[]"
    assert [command[-1] for command in node.commands] == ["list_users"] * 3
    node = _Flaky(65)
    with pytest.raises(CommandFailed):
        rabbitmq.ask(cast("Node", node), hosts["c1"], "delete_user", "gone")
    assert len(node.commands) == 1
