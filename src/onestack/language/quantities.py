"""Times, shares and rates as people write them (`90s`, `10m`, `60%`, `1 per 30s`), converted to seconds and
fractions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import core_schema

from onestack.language.types import Problem, as_written, refused, words

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = "a time with its unit: 90s, 10m, 2h, 30d"
_SHARE = "a percentage from 0% to 100%: 60%"
_RATE = "a number and a time: 1 per 30s"
_TIME = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s?([smhd])")


def _duration(value: Any) -> Any:
    if isinstance(value, float) and not hasattr(value, "written"):
        return value
    text = as_written(value)
    match = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        hint = f"did you mean '{text}s'?" if str(text).isdigit() else ""
        raise refused(Problem(f"{words(value)} is not a time", _DURATION, hint))
    return float(match[1]) * _UNITS[match[2]]


def _seconds(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") + "s"


def _share(value: Any) -> Any:
    if isinstance(value, float) and not hasattr(value, "written"):
        return value
    text = as_written(value)
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,9})?)\s?%", text.strip()) if isinstance(text, str) else None
    if match is None or float(match[1]) > 100:
        raise refused(Problem(f"{words(value)} is not a percentage", _SHARE))
    return float(match[1]) / 100


def _percent(value: float) -> str:
    return f"{value * 100:.9f}".rstrip("0").rstrip(".") + "%"


def text_schema(allowed: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "x-allowed": allowed})


Duration = Annotated[
    float, BeforeValidator(_duration), PlainSerializer(_seconds, return_type=str), text_schema(_DURATION)
]
"""Seconds."""
Share = Annotated[
    float, BeforeValidator(_share), PlainSerializer(_percent, return_type=str), text_schema(_SHARE)
]
"""A fraction, 0 to 1."""


@dataclass(frozen=True)
class Rate:
    """At most `number` within `seconds`."""

    number: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.number} per {_seconds(self.seconds)}"

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(cls)


def _rate(value: Any) -> Any:
    if isinstance(value, Rate):
        return value
    match = (
        re.fullmatch(rf"(\d{{1,6}}) per {_TIME.pattern}", value.strip()) if isinstance(value, str) else None
    )
    if match is None or not int(match[1]) or not float(match[2]):
        raise refused(Problem(f"{words(value)} is not a rate", _RATE))
    return Rate(int(match[1]), float(match[2]) * _UNITS[match[3]])


RateLimit = Annotated[Rate, BeforeValidator(_rate), PlainSerializer(str, return_type=str), text_schema(_RATE)]
