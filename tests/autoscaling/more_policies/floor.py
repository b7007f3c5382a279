"""A policy of the tests' own: never fewer members than a number, whatever the load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from onestack.autoscaling.forecast import History
from onestack.autoscaling.observation import GroupObservation
from onestack.autoscaling.policy import GROUP, PolicySpec, Recommendation
from onestack.language.types import Problem, example
from onestack.language.words import Size


class FloorPolicy(PolicySpec):
    """Keep some members whatever the load."""

    model_config = example(GROUP + "        policies: [{type: floor, members: 5}]\n")

    type: Literal["floor"]
    """A floor."""
    members: Size
    """The members that are there at any time."""

    def problems_in(self, least: int, most: int) -> Iterator[Problem]:
        if self.members > most:
            yield Problem("a floor above the group's max", f"at most {most}", path=("members",))

    def policy(self) -> Floor:
        return Floor(self.members)


@dataclass(frozen=True)
class Floor:
    """At least so many."""

    members: int
    metric: ClassVar[str] = ""
    forecasts: ClassVar[bool] = False
    aim: ClassVar[None] = None

    @property
    def name(self) -> str:
        return f"floor {self.members}"

    def recommend(self, observation: GroupObservation, history: History | None = None) -> Recommendation:
        return Recommendation(self.name, "at least", self.members, None, "the floor holds")
