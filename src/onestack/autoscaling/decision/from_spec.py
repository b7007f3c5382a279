"""Converts a scaling group of the spec to the `Group` that decisions are made on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onestack.autoscaling.decision.group import Group, Rate
from onestack.autoscaling.policy import Policy, PolicySpec
from onestack.language.quantities import Rate as RateSpec
from onestack.spec import ScalingGroup


def group(spec: ScalingGroup) -> Group:
    """The group with its policies in the file's order; specs that are combined into one policy come last."""
    return Group(
        name=spec.name,
        min=spec.min,
        max=spec.max,
        policies=tuple(_policies(spec.policies)),
        stabilize=spec.scale_in.stabilize,
        in_rate=_rate(spec.scale_in.at_most),
        out_rate=_rate(spec.scale_out.at_most),
        suspended=spec.suspended,
    )


def _rate(spec: RateSpec | None) -> Rate | None:
    return Rate(spec.number, spec.seconds) if spec else None


def _policies(specs: Sequence[PolicySpec]) -> Iterator[Policy]:
    for spec in specs:
        if (policy := spec.policy()) is not None:
            yield policy
    for kind in dict.fromkeys(type(spec) for spec in specs):
        if (combined := kind.combined([spec for spec in specs if type(spec) is kind])) is not None:
            yield combined
