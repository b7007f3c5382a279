"""The field type of a scaling policy in a spec: its `type` selects the model.

The types are looked up when a spec is read, so a new type of policy is one new module.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from onestack.autoscaling import policies
from onestack.autoscaling.policy import PolicySpec
from onestack.language.types import Problem, refused, words


class _ByType:
    """Validates a policy, and describes it in the schema, by the model that its `type` selects."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        known = policies.types().values()
        return {
            "title": "ScalingPolicy",
            "description": PolicySpec.__doc__,
            **(PolicySpec.model_config["json_schema_extra"] or {}),  # type: ignore[dict-item]
            "oneOf": [
                each.__get_pydantic_json_schema__(each.__pydantic_core_schema__, handler) for each in known
            ],
            "discriminator": {"propertyName": "type"},
        }


AnyPolicy = Annotated[PolicySpec, _ByType()]


def _read(value: Any) -> PolicySpec:
    """Validate a mapping. Errors in single values are reported before missing and unknown keys."""
    if isinstance(value, PolicySpec):
        return value
    if not isinstance(value, Mapping) or "type" not in value:
        return PolicySpec.model_validate({} if isinstance(value, Mapping) else value)
    known, name = policies.types(), value["type"]
    if not isinstance(name, str) or name not in known:
        near = get_close_matches(str(name), known, 1)
        hint = f"did you mean {near[0]}?" if near else ""
        raise refused(
            Problem(f"'type' cannot be {words(name)}", f"one of {', '.join(known)}", hint, ("type",))
        )
    kind = known[name]
    given = {key: each for key, each in value.items() if each is not None and each != []}
    foreign = _foreign(given, kind, known)
    try:
        found = kind.model_validate({key: each for key, each in given.items() if key not in foreign})
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        if any(each["type"] != "missing" or len(each["loc"]) > 1 for each in details):
            raise
        keys = [str(each["loc"][0]) for each in details]
        missing = [
            Problem(f"a {name} policy without '{key}'", f"'{key}' is required", path=("type",))
            for key in keys
        ]
        raise refused(*missing, *foreign.values()) from error
    if foreign:
        raise refused(*foreign.values())
    return found


def _foreign(
    given: Mapping[str, Any], kind: type[PolicySpec], known: Mapping[str, type[PolicySpec]]
) -> dict[str, Problem]:
    """The keys of other policy types, with the problem to report for each."""
    own = ", ".join(key for key in kind.model_fields if key != "type")
    found = {}
    for key in sorted(given.keys() - kind.model_fields.keys()):
        if others := [name for name, each in known.items() if key in each.model_fields]:
            found[key] = Problem(f"'{key}' is for {' and '.join(others)} policies", own, path=(key,))
    return found
