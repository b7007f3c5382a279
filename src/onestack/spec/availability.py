"""What must go on when machines fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from onestack.language.quantities import Duration, Share
from onestack.language.types import Int, Problem, Section, example


class Availability(Section):
    """What must go on when machines fail. It changes nothing in the cloud; `capacity` judges it by this."""

    model_config = example("""\
availability: {tolerate: 1, redundancy: 2, mtbf: 180d, mttr: 4h}
""")

    tolerate: Annotated[Int, Field(ge=0, le=100)] = 0
    """Any so many hosts may be lost, and every server must find a place on the others."""
    redundancy: Annotated[Int, Field(ge=1, le=100)] = 1
    """How many servers replace each other (R)."""
    host: Share | None = None
    """The share of time a host runs."""
    mtbf: Duration | None = None
    """In place of `host`: the mean time between two failures of a host."""
    mttr: Duration | None = None
    """And the mean time to repair it."""

    def problems(self) -> Iterator[Problem]:
        if (self.mtbf is None) != (self.mttr is None):
            given, missing = ("mtbf", "mttr") if self.mtbf is not None else ("mttr", "mtbf")
            yield Problem(f"'{given}' without '{missing}'", "both or neither", path=(given,))
        elif self.mtbf is not None and self.host is not None:
            yield Problem("'host' is what 'mtbf' and 'mttr' come to", "one or the other", path=("host",))
        elif self.mtbf == 0:
            yield Problem("a host that always fails", "a time above 0s", path=("mtbf",))

    @property
    def of_host(self) -> float | None:
        """The share of time a host runs, 0 to 1; None: not said."""
        if self.mtbf is not None and self.mttr is not None:
            return self.mtbf / (self.mtbf + self.mttr)
        return self.host
