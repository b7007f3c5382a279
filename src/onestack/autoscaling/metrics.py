"""The metrics of policies, and the type of their target values."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from onestack.language.types import Problem, as_written, refused, words

# Metrics without a query, with their units; a target in per cent is written `60%`.
METRICS = {
    "cpu": "%",
    "memory": "%",
    "requests_per_second": "requests",
    "connections": "connections",
    "network": "bytes a second",
    "disk": "bytes a second",
    "queue": "requests",
    "response_time": "milliseconds",
    "errors_per_second": "requests",
}
# These do not halve when the number of members doubles, so a target cannot be computed from them.
NOT_SHARED = ("response_time",)
_TARGET = "a number above 0, or a percentage: 50, 60%"


class Percentage(float):
    """A percentage: 60.0 for `60%`."""


def _target(value: Any) -> Any:
    if isinstance(value, Percentage):
        return value
    text = as_written(value)
    percent = isinstance(text, str) and text.strip().endswith("%")
    try:
        number = float(text.strip().rstrip("%")) if percent else float(value)
        if isinstance(value, (bool, str)) and not percent:
            raise ValueError
    except (TypeError, ValueError, AttributeError) as error:
        raise refused(Problem(f"{words(value)} is not a valid target", _TARGET)) from error
    if not 0 < number < 1e15 or (percent and number > 100):
        why = (
            "a target of zero would take infinitely many members"
            if number == 0
            else f"{words(value)} is not a valid target"
        )
        raise refused(Problem(why, _TARGET))
    return Percentage(number) if percent else number


TargetValue = Annotated[
    float,
    PlainValidator(_target),
    PlainSerializer(lambda value: f"{value:.15g}%" if isinstance(value, Percentage) else float(value)),
    WithJsonSchema({"type": ["number", "string"], "x-allowed": _TARGET}),
]
