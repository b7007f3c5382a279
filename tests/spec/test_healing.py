"""Healing in the spec: what is refused, and what is noted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestack.language.diagnostics import BadSpec
from onestack.spec import Spec, loads
from onestack.workloads.plan.values import Address
from onestack.workloads.resources import server_healing
from onestack.workloads.resources.server import Servers
from onestack.workloads.wanted import wanted

HOSTS = (Path(__file__).parents[2] / "examples/hosts.yaml").read_text()
ON = "platform: {healing: {hosts: evacuate}}\n"


def wrong(text: str) -> str:
    with pytest.raises(BadSpec) as raised:
        loads(text, "cloud.yaml")
    return "\n".join(f"{each.summary}; {each.detail}" for each in raised.value.diagnostics)


def fenced(fence: str) -> str:
    return HOSTS.replace("{name: n1,", f"{{name: n1, fence: {fence},")


def notes(spec: Spec) -> list[str]:
    return [each.summary for each in spec.notes() if "fence agent" in each.summary]


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert not loads(HOSTS, "x").platform.heals
    assert loads(HOSTS + ON, "x").platform.heals


def test_it_takes_another_host() -> None:
    assert "need another host" in wrong(ON)


@pytest.mark.parametrize("most", ["0%", "101%", "half", "50", "0.5"])
def test_a_share_is_a_percentage(most: str) -> None:
    assert "percentage" in wrong(HOSTS + f"platform: {{healing: {{hosts: evacuate, most: '{most}'}}}}\n")


@pytest.mark.parametrize(
    ("fence", "said"),
    [
        ("{agent: redfish, user: a, password_file: /b}", "needs 'address'"),
        ("{agent: ipmilan, address: 192.0.2.9, user: a}", "needs 'password_file'"),
        ("{agent: command}", "no command"),
        ("{agent: command, command: [x], address: 192.0.2.9}", "'address' is not for a command"),
        (
            "{agent: redfish, address: 192.0.2.9, user: a, password_file: /b, command: [x]}",
            "'command' is not for",
        ),
    ],
)
def test_wrong_fence_agents(fence: str, said: str) -> None:
    assert said in wrong(fenced(fence))


def test_hosts_without_a_fence_agent_are_noted_where_only_that_is_proof() -> None:
    (note,) = notes(loads(HOSTS + ON, "x"))
    assert "c1, n1, n2" in note
    (note,) = notes(loads(fenced("{agent: command, command: [x]}") + ON, "x"))
    assert "c1, n2" in note
    assert notes(loads(HOSTS + "platform: {healing: {hosts: evacuate, proof: lease}}\n", "x")) == []


SERVER = "tenants: [{name: shop, servers: [{name: web, image: tiny, flavor: m1.nano, SAID}]}]\n"


def test_what_healing_does_with_a_server_is_in_its_metadata() -> None:
    for said in ("healing: restart, metadata: {a: b}", "metadata: {a: b, healing: restart}"):
        found = wanted(loads(SERVER.replace("SAID", said), "x"))
        (server,) = (each for each in found if each.address.kind == "server")
        assert server.fields["metadata"] == {"a": "b", "healing": "restart"}


def test_it_is_said_once() -> None:
    twice = "healing: restart, metadata: {healing: leave}"
    assert "the metadata 'healing' says it, too" in wrong(SERVER.replace("SAID", twice))
    assert "one of" in wrong(SERVER.replace("SAID", "healing: off"))


@pytest.mark.parametrize("number", [3, 100])
def test_a_reserve_leaves_a_host(number: int) -> None:
    said = wrong(HOSTS + f"platform: {{healing: {{hosts: evacuate, reserve: {number}}}}}\n")
    assert f"a reserve of {number} leaves none of the 3 compute hosts" in said
    assert loads(HOSTS + "platform: {healing: {hosts: evacuate, reserve: 2}}\n", "x").platform.heals


@given(st.dictionaries(st.sampled_from(["a", "healing"]), st.sampled_from(["x", "leave", "evacuate"])))
def test_what_is_told_of_metadata_makes_the_same_again(metadata: dict[str, str]) -> None:
    rest, wish = server_healing.told(metadata)
    assert server_healing.metadata(rest, wish) == metadata
    assert not list(server_healing.problems(rest, wish))


def test_a_key_that_is_taken_out_leaves_the_metadata() -> None:
    """Nova merges what is posted; only PUT takes away."""
    sent: list[tuple[str, str, Any]] = []
    rest = SimpleNamespace(
        put=lambda path, body: sent.append(("PUT", path, body)),
        post=lambda path, body: sent.append(("POST", path, body)),
    )
    session: Any = SimpleNamespace(rest=lambda service: rest, fill=lambda value: value, owner="cloud")
    address = Address("server", ("shop", "web"))

    def update(**fields: Any) -> tuple[str, str, Any]:
        change: Any = SimpleNamespace(address=address, fields=fields)
        Servers().update(change, "1", session)
        return sent.pop()

    verb, path, body = update(metadata=({"healing": "leave", "a": "b"}, {"a": "b"}))
    assert (verb, path) == ("PUT", "/servers/1/metadata")
    assert "healing" not in body["metadata"] and body["metadata"]["a"] == "b"
    assert update(owner=("x", "cloud"))[0] == "POST"
