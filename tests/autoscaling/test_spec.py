"""Scaling groups in a spec: what is right becomes what is decided on; what is wrong has its line."""

from __future__ import annotations

import pytest

from onestack import spec
from onestack.autoscaling.decision import Rate
from onestack.autoscaling.decision.from_spec import group
from onestack.autoscaling.policies.predictive import Predictive
from onestack.autoscaling.policies.schedule import Schedule, Schedules
from onestack.autoscaling.policies.step import Step, Steps
from onestack.autoscaling.policies.target import Target
from onestack.core.errors import BadInput

HEAD = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    load_balancers: [{name: shop, network: front, pools: [{name: web}]}]
    scaling_groups:
      - name: web
        min: 2
        max: 20
        server: {image: tiny, flavor: m1.nano, network: front}
"""

WHOLE = """\
        spread: {anti_affinity: soft, zones: [a, b]}
        load_balancer: {name: shop, pool: web, port: 80}
        warm_up: 20s
        warm_pool: {size: 2, state: stopped}
        health: {from: [compute, load_balancer], grace: 30s, replace: true}
        policies:
          - {type: target, metric: requests_per_second, target: 50}
          - {type: target, metric: cpu, target: 60%, tolerance: 5%}
          - {type: step, metric: jobs, query: "max(jobs)", steps: [{above: 100, add: 2}, {above: 500, add: 5}]}
          - {type: schedule, cron: "0 8 * * 1-5", min: 6}
          - {type: predictive, metric: requests_per_second, target: 50, horizon: 10m}
        scale_in: {stabilize: 300s, protect: [tag], drain: 30s, at_most: 1 per 30s}
        update: {strategy: rolling, batch: 25%, min_healthy: 90%, rollback: true}
"""


def test_a_whole_group_becomes_what_is_decided_on() -> None:
    wanted = spec.loads(HEAD + WHOLE).tenants[0].scaling_groups[0]
    found = group(wanted)
    assert (found.min, found.max, found.stabilize, found.in_rate) == (2, 20, 300, Rate(1, 30))
    assert found.policies == (
        Target("requests_per_second", 50),
        Target("cpu", 60, 0.05),
        Steps("jobs", [Step(100, 2), Step(500, 5)], []),
        Predictive("requests_per_second", 50, 600),
        Schedules([Schedule("0 8 * * 1-5", 6)]),
    )
    assert (wanted.health.sources, wanted.warm_pool.size, wanted.update.batch) == (
        ("compute", "load_balancer"),
        2,
        0.25,
    )


def test_a_step_on_cpu_is_about_each_member() -> None:
    text = "        policies: [{type: step, metric: cpu, steps: [{above: 80, add: 2}, {below: 30, remove: 1}]}]\n"
    found = group(spec.loads(HEAD + text).tenants[0].scaling_groups[0])
    assert found.policies == (Steps("cpu", [Step(80, 2)], [Step(30, -1)], per_member=True),)


def test_a_group_survives_being_written() -> None:
    once = spec.loads(HEAD + WHOLE)
    assert spec.loads(once.model_dump_json(exclude_unset=True)).tenants == once.tenants


POLICY = "        policies:\n          - "


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("        max: 1\n", 10, "'max' occurs twice"),
        (POLICY + "{type: target, target: 50}\n", 11, "a target policy without 'metric'"),
        (POLICY + "{type: target, metric: cpu}\n", 11, "a target policy without 'target'"),
        (
            POLICY + "{type: target, metric: cpu, target: 0%}\n",
            11,
            "a target of zero would take infinitely many",
        ),
        (POLICY + "{type: target, metric: connections, target: 0}\n", 11, "a target of zero"),
        (POLICY + "{type: target, metric: connections, target: -1}\n", 11, "'-1' is not a valid target"),
        (POLICY + "{type: target, metric: connections, target: true}\n", 11, "true is not a valid target"),
        (POLICY + "{type: target, metric: connections, target: many}\n", 11, "'many' is not a valid target"),
        (POLICY + "{type: target, metric: cpu, target: 101%}\n", 11, "'101%' is not a valid target"),
        (POLICY + "{type: target, metric: cpu, target: 60}\n", 11, "cpu is measured in %"),
        (POLICY + "{type: target, metric: connections, target: 5%}\n", 11, "a number of connections"),
        (POLICY + "{type: target, metric: cpuu, target: 60%}\n", 11, "did you mean 'cpu'?"),
        (POLICY + "{type: target, metric: response_time, target: 60}\n", 11, "use a step policy"),
        (POLICY + "{type: target, metric: cpu, query: up, target: 60%}\n", 11, "'cpu' is a built-in metric"),
        (
            POLICY + "{type: target, metric: cpu, target: 60%, cron: 0 8 * * 1}\n",
            11,
            "'cron' is for schedule policies",
        ),
        (POLICY + "{type: step, metric: queue}\n", 11, "a step policy without 'steps'"),
        (POLICY + "{type: step, metric: queue, steps: [{above: 5, remove: 1}]}\n", 11, "'above' with 'add'"),
        (
            POLICY + "{type: step, metric: queue, steps: [{above: 5, add: 1}, {above: 4, add: 2}]}\n",
            11,
            "do not rise",
        ),
        (POLICY + "{type: schedule, cron: 0 8 * * 1-5}\n", 11, "a schedule policy without 'min'"),
        (
            POLICY + "{type: schedule, cron: 0 25 * * *, min: 3}\n",
            11,
            "'0 25 * * *' is not a cron expression",
        ),
        (POLICY + "{type: schedule, cron: daily, min: 3}\n", 11, "'daily' is not a cron expression"),
        (
            POLICY + "{type: schedule, cron: 0 8 30 2 *, min: 3}\n",
            11,
            "'0 8 30 2 *' is not a cron expression",
        ),
        (POLICY + "{type: schedule, cron: 0 8 * * *, min: 30}\n", 11, "outside of the group's"),
        (POLICY + "{type: schedule, cron: 0 8 * * *, min: 3, timezone: Mars}\n", 11, "no time zone 'Mars'"),
        (POLICY + "{type: [target], metric: cpu}\n", 11, "'type' cannot be a list"),
        (POLICY + "{type: 5}\n", 11, "'type' cannot be '5'"),
        (POLICY + "{metric: cpu}\n", 11, "the key 'type' is missing"),
        (POLICY + "target\n", 11, "item 1 of 'policies' cannot be the text 'target'"),
        (POLICY + "{type: step, metric: queue, steps: [{above: 5, adds: 1}]}\n", 11, "did you mean 'add'?"),
        (POLICY + "{type: wish}\n", 11, "one of predictive, schedule, step, target"),
        ("        load_balancer: {name: shop, pool: wep, port: 80}\n", 10, "has no pool 'wep'"),
        ("        load_balancer: {name: shopp, pool: web, port: 80}\n", 10, "did you mean 'shop'?"),
        ("        health: {from: [load_balancer]}\n", 10, "health from a load balancer without one"),
        ("        scale_in: {at_most: 1}\n", 10, "1 per 30s"),
        ("        scale_in: {at_most: 0 per 30s}\n", 10, "'0 per 30s' is not a rate"),
        ("        warm_up: 20\n", 10, "did you mean '20s'?"),
        ("        update: {batch: 25}\n", 10, "'25' is not a percentage"),
    ],
)
def test_wrong_groups_are_refused_with_their_line(text: str, line: int, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        spec.loads(HEAD + text, "cloud.yaml")
    said = caught.value.detail.splitlines() or [str(caught.value)]
    assert any(one.startswith(f"cloud.yaml:{line}:") and says in one for one in said), caught.value.detail


def test_limits_that_contradict_each_other() -> None:
    with pytest.raises(BadInput) as caught:
        spec.loads(HEAD.replace("max: 20", "max: 1"), "cloud.yaml")
    assert "cloud.yaml:7:14: min 2 is above max 1" in caught.value.detail
