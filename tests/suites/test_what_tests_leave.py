"""What a killed run's tests left is removed; what somebody else made stays, also if it looks alike."""

from types import SimpleNamespace

import pytest

from onestack.health.verify.suites import wide

STAMP = "1795449094-0123456789abcdef0123456789abcdef"
HEX = "0123456789abcdef0123456789abcdef"


def kind(service: str, one: str) -> wide.Kind:
    return next(each for each in wide.KINDS if (each.service, each.one) == (service, one))


def thing(**fields: object) -> SimpleNamespace:
    return SimpleNamespace(**{"id": "1", "name": "", "description": "", **fields})


@pytest.mark.parametrize(
    ("service", "one", "field", "value", "ours"),
    [
        ("identity", "user", "name", f"user{STAMP}", True),
        ("identity", "user", "name", "demo", False),
        ("identity", "user", "name", f"{STAMP}-of-somebody", False),
        ("identity", "registered_limit", "resource_name", f"resource{STAMP}", True),
        ("identity", "registered_limit", "resource_name", "volumes", False),
        ("image", "metadef_namespace", "namespace", STAMP, True),
        ("image", "metadef_namespace", "namespace", "OS::Compute::Libvirt", False),
        ("load-balancer", "flavor", "name", STAMP, True),
    ],
)
def test_what_has_a_name_is_told_by_it(service: str, one: str, field: str, value: str, ours: bool) -> None:
    each = thing(**{field: value})
    assert wide.left(kind(service, one), [each], {}) == ([each] if ours else [])


def test_projects_of_tests_are_told_by_name_or_description() -> None:
    made = thing(
        name="auto", description="test project used only for the TestAutoAllocatedTopology tests class"
    )
    temporary = thing(name="x", description="Temporary project created for openstack.tests.functional.a.B.c")
    others = [thing(name="shop", description="Temporary project"), thing(name="demo")]
    assert wide.left(wide.PROJECTS, [made, temporary, *others], None) == [made, temporary]


@pytest.mark.parametrize(
    ("service", "one", "mine", "other"),
    [
        ("compute", "flavor", {"name": HEX}, {"name": "m1.tiny"}),
        ("identity", "region", {"id": HEX}, {"id": "RegionOne"}),
        (
            "network",
            "default_security_group_rule",
            {"port_range_min": 81, "port_range_max": 81, "protocol": "tcp", "remote_ip_prefix": None},
            {"port_range_min": None, "port_range_max": None, "protocol": None, "remote_ip_prefix": None},
        ),
    ],
)
def test_what_has_no_name_must_be_new_too(service: str, one: str, mine: dict, other: dict) -> None:
    what, new, old = kind(service, one), thing(**{"id": "new", **mine}), thing(**{"id": "old", **mine})
    before = {what.word: [old.id, new.id]}
    assert wide.left(what, [new], before) == []
    assert wide.left(what, [new, thing(**other)], {what.word: ["another"]}) == [new]
    assert wide.left(what, [new], None) == [], "without a record nothing is certain"


def test_what_has_no_id_is_deleted_by_name() -> None:
    deleted: list[object] = []
    cloud = SimpleNamespace(load_balancer=SimpleNamespace(delete_availability_zone=deleted.append))
    kind("load-balancer", "availability_zone").delete(cloud, thing(id=None, name=STAMP))
    assert deleted == [STAMP]
