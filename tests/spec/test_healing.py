"""Healing in the spec: what is refused, and what is noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack.language.diagnostics import BadSpec
from onestack.spec import Spec, loads

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
