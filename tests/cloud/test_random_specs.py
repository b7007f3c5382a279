"""A sample of the random specs that tests/plan tries on a model: applied to a real cloud, and taken away again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cloud import inventory
from onestack import Cloud
from onestack.spec import Spec, loads
from onestack.workloads.plan.document import as_data

sys.path.insert(0, str(Path(__file__).parents[1] / "plan"))
from specs import specs

pytestmark = pytest.mark.cloud

SAMPLE = int(os.environ.get("ONESTACK_TEST_SPECS", "1"))
"""How many: each costs up to half a minute. One a run is a new one each time."""


@given(specs(tenants_at_most=2, servers_at_most=2, roomy=True))
@settings(
    deadline=None,
    max_examples=SAMPLE,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
def test_what_was_applied_needs_no_change_and_goes_without_a_trace(pretending: Cloud, spec: Spec) -> None:
    before = inventory.of(pretending)
    outcome = pretending.apply(spec=spec)
    assert outcome.ok, outcome.as_dict()
    plan = pretending.plan(spec)
    assert plan.empty, as_data(plan)["changes"]
    for tenant in spec.tenants:
        found = pretending.export(tenant=tenant.name)
        again = pretending.plan(loads(found.text, "export.yaml"))
        assert again.empty and not found.warnings, (as_data(again)["changes"], found)
    removed = pretending.apply(pretending.removal(spec), spec=spec)
    assert removed.ok, removed.as_dict()
    left = inventory.of(pretending)
    assert left == before, f"left: {left - before}, gone: {before - left}"
