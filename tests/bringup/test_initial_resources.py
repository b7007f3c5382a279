"""What a cloud is given once: new ones DevStack's flavors, those that stand what is new beside their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from onestack.platform import initial_resources
from onestack.spec import FLAVORS


def missing(*done: str) -> list[str]:
    return initial_resources.missing_flavors({f"furnished/{each}": "" for each in done})


def test_a_new_cloud_gets_all_flavors() -> None:
    assert missing("image") == list(FLAVORS)
    assert missing("image", f"flavors {', '.join(FLAVORS)}") == []


def test_a_cloud_of_before_keeps_its_own_and_gets_the_new_ones() -> None:
    assert missing("flavors", "image") == ["m1.nano", "m1.micro", "m1.xlarge"]
    assert missing("flavors", "flavors m1.nano, m1.micro, m1.xlarge") == []


def test_a_flavor_that_is_there_stays_as_it_is() -> None:
    made: list[dict[str, object]] = []
    there = [SimpleNamespace(name="m1.tiny")]
    compute = SimpleNamespace(flavors=lambda: there, create_flavor=lambda **wanted: made.append(wanted))
    initial_resources.flavors(cast(Any, SimpleNamespace(compute=compute)), ["m1.nano", "m1.tiny"])
    assert made == [{"name": "m1.nano", "vcpus": 1, "ram": 128, "disk": 1}]
