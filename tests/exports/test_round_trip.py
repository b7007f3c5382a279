"""An export is a spec that changes nothing: for random specs, on a model of a cloud."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from exports.model import SurveyedCloud
from onestack import spec
from onestack.language.words import Counted
from onestack.spec import Spec
from onestack.spec.compose import whole
from onestack.workloads import export
from onestack.workloads.apply import run
from onestack.workloads.exported_text import COUNTED
from onestack.workloads.plan import make
from onestack.workloads.plan.document import as_data
from onestack.workloads.wanted import wanted

sys.path.insert(0, str(Path(__file__).parents[1] / "plan"))
from specs import specs


def applied(read: Spec) -> SurveyedCloud:
    cloud = SurveyedCloud(read.name)
    plan = make(wanted(read), cloud.observe(()), cloud.kinds, owner=read.name)
    outcome = run(plan, cloud)
    assert outcome.ok, outcome.as_dict()
    return cloud


def exported(cloud: SurveyedCloud) -> export.Export:
    there: Any = cloud
    return export.of(there, name="elsewhere")


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(specs())
def test_a_plan_of_an_export_is_empty_and_nothing_is_left_out(read: Spec) -> None:
    cloud = applied(read)
    found = exported(cloud)
    assert not found.warnings
    again = spec.loads(found.text, "export.yaml")
    plan = make(wanted(again), cloud.observe(()), cloud.kinds, owner=again.name)
    assert plan.empty, (as_data(plan)["changes"], found.text)
    if cloud.owner == again.name:
        assert not plan.left, ([str(one.address) for one in plan.left], found.text)
    assert exported(cloud).text == found.text


SHOP = """\
name: shop
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    volumes: [{name: data, count: 3, size: 1}]
    servers:
      - name: web
        count: 3
        image: tiny
        flavor: m1.nano
        networks: [{network: front}]
        volumes: ["data-${index}"]
        metadata: {script: "echo ${dollar}{HOME}"}
        healing: evacuate
variables: {dollar: "$"}
"""


def test_repeated_items_are_folded_with_what_has_their_number() -> None:
    text = exported(applied(spec.loads(SHOP))).text
    assert "count: 3" in text
    assert "data-${index}" in text
    assert "healing: evacuate" in text
    assert spec.loads(text).tenants[0].servers == spec.loads(SHOP).tenants[0].servers


def test_an_incomplete_or_uneven_row_is_not_folded() -> None:
    uneven = SHOP.replace("count: 3\n        image", "count: 2\n        image").replace(
        "metadata:", "state: stopped\n        metadata:"
    )
    cloud = applied(spec.loads(uneven.replace("name: web\n", "name: web-${index}x\n")))
    assert "web-1x" in exported(cloud).text


def test_the_lists_that_are_folded_are_those_that_may_have_a_count() -> None:
    model: Any = whole().model_fields["tenants"].annotation
    fields = model.__args__[0].model_fields
    counted = {
        key
        for key, field in fields.items()
        if (items := getattr(field.annotation, "__args__", ()))
        and isinstance(items[0], type)
        and issubclass(items[0], Counted)
    }
    assert counted == set(COUNTED)
