"""The examples can stand side by side in one cloud of a small machine, applied in any order."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from onestack import spec
from onestack.spec import Spec
from onestack.workloads.plan import Wanted
from onestack.workloads.wanted import wanted

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
LOADED = {file.name: spec.load(file) for file in EXAMPLES}
WITH_TENANTS = {name: one for name, one in LOADED.items() if one.tenants}
SHARED_VCPUS = 2 * 4
"""What two cores with Nova's ratio of 4 carry."""

PAIRS = list(combinations(sorted(WITH_TENANTS), 2))


def tutorial() -> Spec:
    text = (Path(__file__).parents[2] / "docs/tutorial.md").read_text()
    return spec.loads(text.split("```yaml\n")[1].split("```")[0], "tutorial.md")


def networks(one: Spec) -> list[object]:
    return [subnet.cidr for tenant in one.tenants for net in tenant.networks for subnet in net.subnets]


def test_there_are_examples() -> None:
    assert {"acme.yaml", "demo.yaml", "shop.yaml", "visitors.yaml"} <= set(WITH_TENANTS)
    assert tutorial().tenants


@pytest.mark.parametrize("pair", [*PAIRS, *((name, "tutorial") for name in WITH_TENANTS)], ids="+".join)
def test_no_two_claim_the_same(pair: tuple[str, str]) -> None:
    one, other = (tutorial() if name == "tutorial" else WITH_TENANTS[name] for name in pair)

    def claims(each: Spec) -> set[str]:
        return {str(claim.address) for claim in wanted(each) if isinstance(claim, Wanted)}

    assert one.name != other.name, "the name marks whose a resource is"
    assert claims(one), pair
    assert not claims(one) & claims(other)
    fixed = [
        {item.address for tenant in each.tenants for item in tenant.floating_ips if item.address}
        for each in (one, other)
    ]
    assert not fixed[0] & fixed[1], "addresses of floating IPs"
    overlapping = [
        (a, b)
        for a in networks(one)
        for b in networks(other)
        if a.overlaps(b)  # type: ignore[attr-defined]
    ]
    assert not overlapping


@pytest.mark.parametrize("name", WITH_TENANTS)
def test_none_takes_a_service_away_that_another_needs(name: str) -> None:
    """`up` of one after `up` of another: what the other's tenants stand on must not go."""
    assert not WITH_TENANTS[name].platform.model_fields_set & {"services", "exclude"}


def test_all_together_fit_on_two_cores() -> None:
    flavors = {flavor.name: flavor.vcpus for one in WITH_TENANTS.values() for flavor in one.flavors}
    asked = 0
    for one in WITH_TENANTS.values():
        for tenant in one.tenants:
            asked += sum(flavors.get(server.flavor, 1) for server in tenant.servers)
            asked += sum(flavors.get(group.server.flavor, 1) * group.min for group in tenant.scaling_groups)
    assert 0 < asked <= SHARED_VCPUS
