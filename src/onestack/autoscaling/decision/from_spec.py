"""Converts a scaling group of the spec to the `Group` that decisions are made on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onestack.autoscaling.decision.group import Group, Rate
from onestack.autoscaling.policy import Policy, PolicySpec
from onestack.language.quantities import Rate as WantedRate
from onestack.spec import ScalingGroup


def group(wanted: ScalingGroup) -> Group:
    """The group with its policies in the file's order; specs that are combined into one policy come last."""
    return Group(
        name=wanted.name,
        min=wanted.min,
        max=wanted.max,
        policies=tuple(_policies(wanted.policies)),
        stabilize=wanted.scale_in.stabilize,
        in_rate=_rate(wanted.scale_in.at_most),
        out_rate=_rate(wanted.scale_out.at_most),
        suspended=wanted.suspended,
    )


def _rate(wanted: WantedRate | None) -> Rate | None:
    return Rate(wanted.number, wanted.seconds) if wanted else None


def _policies(wanted: Sequence[PolicySpec]) -> Iterator[Policy]:
    for each in wanted:
        if (policy := each.policy()) is not None:
            yield policy
    for kind in dict.fromkeys(type(each) for each in wanted):
        if (combined := kind.combined([each for each in wanted if type(each) is kind])) is not None:
            yield combined
