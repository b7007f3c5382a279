"""A scaling policy's query is tried before anything is changed."""

from __future__ import annotations

from onestack import spec
from onestack.autoscaling.policy import GROUP
from onestack.autoscaling.queries import wrong
from onestack.core.errors import TemporaryError
from onestack.core.events import Event
from onestack.observe.prometheus import QueryRefused

POLICIES = """\
        policies:
          - {type: target, metric: cpu, target: 60%}
          - type: step
            metric: jobs
            query: "max(jobs"
            steps: [{above: 100, add: 2}]
"""
SPEC = spec.loads(f"name: shop\n{GROUP}{POLICIES}", "shop.yaml")


def test_a_refused_query_is_told_with_its_line() -> None:
    asked = []

    def check(query: str) -> None:
        asked.append(query)
        raise QueryRefused("Prometheus refuses it: unclosed left parenthesis")

    (told,) = wrong(SPEC, check, lambda event: None)
    assert asked == ["max(jobs"]
    assert told.severity == "error"
    assert "unclosed left parenthesis" in told.summary
    assert told.place is not None
    assert (told.place.file, told.place.line) == ("shop.yaml", 15)


def test_a_cloud_without_prometheus_has_nobody_to_ask() -> None:
    (told,) = wrong(SPEC, None, lambda event: None)
    assert "no Prometheus" in told.summary
    assert "up" in told.hint


def test_a_prometheus_that_does_not_answer_now_refuses_nothing() -> None:
    said: list[Event] = []

    def check(query: str) -> None:
        raise TemporaryError("Prometheus does not answer")

    assert wrong(SPEC, check, said.append) == []
    assert "max(jobs" in said[0].message


def test_a_query_that_is_taken_is_fine() -> None:
    assert wrong(SPEC, lambda query: None, lambda event: None) == []
