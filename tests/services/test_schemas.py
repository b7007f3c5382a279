"""Schemas are made ready once, and requests are checked against them as before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from onestack_runtime import schemas

GOOD: dict[str, Any] = {"type": "object", "properties": {"vcpus": {"type": "integer"}}}
BAD: dict[str, Any] = {"type": "object", "properties": {"vcpus": {"type": "nonsense"}}}


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was checked itself, by the class of jsonschema's that is used for schemas without a version."""
    kind = jsonschema.Draft202012Validator
    check = kind.check_schema
    checked: list[Any] = []

    def watched(schema: Any, *how: Any, **named: Any) -> None:
        checked.append(schema)
        check(schema, *how, **named)

    monkeypatch.setattr(kind, "check_schema", staticmethod(watched))
    schemas.check_once(kind)
    return checked


def test_a_schema_is_checked_once_and_each_request(checked: list[Any]) -> None:
    for _ in range(2):
        jsonschema.validate({"vcpus": 1}, GOOD)
        with pytest.raises(jsonschema.ValidationError, match="many"):
            jsonschema.validate({"vcpus": "many"}, GOOD)
    assert checked == [GOOD]


def test_a_wrong_schema_is_refused_each_time(checked: list[Any]) -> None:
    for _ in range(2):
        with pytest.raises(jsonschema.SchemaError):
            jsonschema.validate({}, BAD)
    assert checked == [BAD, BAD]


def test_schemas_that_come_and_go_are_each_checked_and_not_kept_for_ever(
    checked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "MOST", 3)
    for number in range(10):
        jsonschema.validate({}, {**GOOD, "minProperties": 0, "maxProperties": number})
    assert len(checked) == 10


class Validator:
    """Nova's."""

    def __init__(self, schema: Any, relax_additional_properties: bool = False, is_body: bool = True) -> None:
        self.made_of = (schema, relax_additional_properties, is_body)


def test_what_nova_checks_requests_with_is_made_once_for_each_use() -> None:
    validators: Any = SimpleNamespace(_SchemaValidator=Validator)
    schemas.of_nova(validators)
    other = dict(GOOD)
    asked = [(GOOD,), (GOOD, True), (GOOD, False, False), (other,), (GOOD, False, True)]
    made = [validators._SchemaValidator(*words) for words in asked]
    assert [each.made_of for each in made] == [
        (GOOD, False, True),
        (GOOD, True, True),
        (GOOD, False, False),
        (other, False, True),
        (GOOD, False, True),
    ]
    assert made[0] is made[4]
    assert len({id(each) for each in made}) == 4
