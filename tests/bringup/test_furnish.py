"""What a cloud is given once: new ones DevStack's flavors, those that stand what is new beside their own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bringup.conftest import Make
from onestack.core.events import silent
from onestack.platform import databases, furnish
from onestack.spec import FLAVORS


def names(site: Any) -> list[str]:
    (step,) = [name for name in furnish.steps(site, Path("tiny"), silent) if name.startswith("flavors")]
    return step.removeprefix("flavors ").split(", ")


def mark(site: Any, *lines: str) -> None:
    marker = databases.furnished_marker(site)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text("".join(f"{line}\n" for line in lines))


def test_a_new_cloud_gets_all_flavors(make: Make) -> None:
    assert names(make()) == list(FLAVORS)


def test_a_cloud_of_before_keeps_its_own_and_gets_the_new_ones(make: Make) -> None:
    site = make()
    mark(site, "flavors", "image")
    assert names(site) == ["m1.nano", "m1.micro", "m1.xlarge"]
    mark(site, "flavors", "flavors m1.nano, m1.micro, m1.xlarge")
    assert not [name for name in furnish.steps(site, Path("tiny"), silent) if name.startswith("flavors")]


def test_a_flavor_that_is_there_stays_as_it_is() -> None:
    made: list[dict[str, object]] = []
    there = [SimpleNamespace(name="m1.tiny")]
    compute = SimpleNamespace(flavors=lambda: there, create_flavor=lambda **wanted: made.append(wanted))
    furnish.flavors(cast(Any, SimpleNamespace(compute=compute)), ["m1.nano", "m1.tiny"])
    assert made == [{"name": "m1.nano", "vcpus": 1, "ram": 128, "disk": 1}]
