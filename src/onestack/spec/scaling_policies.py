"""Scaling policies as a spec has them: each type is a module of `onestack.autoscaling.policies`, found there.

This module knows what they have in common: that `type` says which one it is, and how a mapping becomes one. What
they are is asked when a spec is read, so that a new module is all that a new type takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from onestack.autoscaling import policies
from onestack.spec.types import Problem, Section, Text, example, refused, words

GROUP = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers: [{name: edge, external: public, networks: [front]}]
    scaling_groups:
      - name: web
        min: 2
        max: 20
        server: {image: tiny, flavor: m1.nano, network: front}
"""
"""A tenant with a group, to be gone on with: the beginning of examples."""


class ScalingPolicy(Section):
    """What calls for more members or fewer. A group grows if any policy wants that, and shrinks only if all agree."""

    model_config = example(
        GROUP
        + """\
        policies:
          - {type: target, metric: requests_per_second, target: 50}
          - {type: target, metric: cpu, target: 60%}
          - {type: schedule, cron: 0 8 * * 1-5, min: 6, timezone: Europe/Berlin}
          - {type: schedule, cron: 0 18 * * 1-5, min: 2, timezone: Europe/Berlin}
          - {type: predictive, metric: requests_per_second, target: 50, horizon: 10m}
"""
    )

    type: Text
    """Which type of policy it is."""

    def problems_in(self, least: int, most: int) -> Iterator[Problem]:
        """What is wrong with it in a group of `least` to `most` members."""
        return iter(())


class _ByType:
    """A policy is validated, and described in the schema, as what its `type` says."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        known = policies.types().values()
        return {
            "title": ScalingPolicy.__name__,
            "description": ScalingPolicy.__doc__,
            **(ScalingPolicy.model_config["json_schema_extra"] or {}),  # type: ignore[dict-item]
            "oneOf": [handler(each.__pydantic_core_schema__) for each in known],
            "discriminator": {"propertyName": "type"},
        }


AnyPolicy = Annotated[ScalingPolicy, _ByType()]


def _read(value: Any) -> ScalingPolicy:
    """The policy that a mapping is. What is wrong with single values is said before what lacks or does not belong."""
    if isinstance(value, ScalingPolicy):
        return value
    if not isinstance(value, Mapping) or "type" not in value:
        return ScalingPolicy.model_validate({} if isinstance(value, Mapping) else value)
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
            Problem(f"a {name} policy without '{key}'", f"'{key}' says what it does", path=("type",))
            for key in keys
        ]
        raise refused(*missing, *foreign.values()) from error
    if foreign:
        raise refused(*foreign.values())
    return found


def _foreign(
    given: Mapping[str, Any], kind: type[ScalingPolicy], known: Mapping[str, type[ScalingPolicy]]
) -> dict[str, Problem]:
    """Keys of other types of policy, with what is to be said of each."""
    own = ", ".join(key for key in kind.model_fields if key != "type")
    found = {}
    for key in sorted(given.keys() - kind.model_fields.keys()):
        if others := [name for name, each in known.items() if key in each.model_fields]:
            found[key] = Problem(f"'{key}' is for {' and '.join(others)} policies", own, path=(key,))
    return found
