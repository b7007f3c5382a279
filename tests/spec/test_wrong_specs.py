"""Every wrong spec is answered with its line, what is allowed, and what was probably meant."""

from __future__ import annotations

import pytest

from onestack import spec
from onestack.spec import BadSpec
from spec.wrong_specs import CASES, Wrong

TWO_HOSTS = """\
hosts:
  - name: node-1
    address: 192.0.2.1
  - name: node-1
    address: 192.0.2.1
"""


@pytest.mark.parametrize("case", CASES)
def test_says_what_and_where(case: Wrong) -> None:
    with pytest.raises(BadSpec) as raised:
        spec.loads(case.text, "cloud.yaml")
    place = f"cloud.yaml:{case.line}:{case.column}: "
    said = [str(one) for one in raised.value.diagnostics]
    matching = [line for line in said if line.startswith(place) and all(part in line for part in case.says)]
    assert matching, said
    assert raised.value.exit_status == 2


@pytest.mark.parametrize("case", CASES)
def test_one_mistake_is_reported_once(case: Wrong) -> None:
    with pytest.raises(BadSpec) as raised:
        spec.loads(case.text, "cloud.yaml")
    assert len(raised.value.diagnostics) == 1, raised.value.detail


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 40


def test_two_hosts_of_one_name_name_both_lines() -> None:
    with pytest.raises(BadSpec) as raised:
        spec.loads(TWO_HOSTS, "cloud.yaml")
    said = raised.value.detail.splitlines()
    assert said == [
        "cloud.yaml:4:5: 2 control hosts bear the loss of no more of them than 1: databases and bus need a majority; "
        "allowed: one, three or five hosts with the role 'control'",
        "cloud.yaml:4:11: two hosts have the name 'node-1'; allowed: another name; the first is in line 2",
        "cloud.yaml:5:14: two hosts have the address '192.0.2.1'; "
        "allowed: another address; the first is in line 3",
    ]


def test_every_mistake_is_reported_at_once_in_the_order_of_the_file() -> None:
    text = "nme: a\nplatform:\n  release: 1\n  listen: {port: 0, adress: 1}\n  compute: {driver: x}\n"
    with pytest.raises(BadSpec) as raised:
        spec.loads(text, "cloud.yaml")
    lines = [one.place.line for one in raised.value.diagnostics if one.place]
    assert lines == [1, 3, 4, 4, 5]
    assert "5 errors" in raised.value.summary
    assert raised.value.where == raised.value.diagnostics[0].place


def test_a_wrong_network_is_not_followed_by_complaints_about_what_derives_from_it() -> None:
    with pytest.raises(BadSpec) as raised:
        spec.loads("platform: {network: {external: {cidr: x}}}", "cloud.yaml")
    assert len(raised.value.diagnostics) == 1


def test_diagnostics_are_data() -> None:
    with pytest.raises(BadSpec) as raised:
        spec.loads("platform: {listn: {}}\n", "cloud.yaml")
    assert raised.value.diagnostics[0].as_dict() == {
        "severity": "error",
        "summary": "unknown key 'listn'",
        "detail": "allowed: release, exclude, services, address, listen, compute, network, storage, volumes, "
        "load_balancing, monitoring, security, backup, healing, tuning",
        "hint": "did you mean 'listen'?",
        "file": "cloud.yaml",
        "line": 1,
        "column": 12,
    }
