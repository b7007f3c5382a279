"""Availability requirements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from onestack.language.quantities import Duration, Share
from onestack.language.types import Int, Problem, Section, example


class Availability(Section):
    """Availability requirements: which failures of hosts must be survived. They change nothing in the cloud;
    `capacity` checks them."""

    model_config = example("""\
availability: {tolerate: 1, redundancy: 2, mtbf: 180d, mttr: 4h}
""")

    tolerate: Annotated[Int, Field(ge=0, le=100)] = 0
    """After the loss of any this many hosts, all servers must fit on the others."""
    redundancy: Annotated[Int, Field(ge=1, le=100)] = 1
    """How many servers can stand in for each other (R)."""
    host: Share | None = None
    """The availability of a host: the share of time in which it is up."""
    mtbf: Duration | None = None
    """Instead of `host`: a host's mean time between failures."""
    mttr: Duration | None = None
    """With `mtbf`: a host's mean time to repair."""

    def problems(self) -> Iterator[Problem]:
        if (self.mtbf is None) != (self.mttr is None):
            given, missing = ("mtbf", "mttr") if self.mtbf is not None else ("mttr", "mtbf")
            yield Problem(f"'{given}' without '{missing}'", "both or neither", path=(given,))
        elif self.mtbf is not None and self.host is not None:
            yield Problem("'host' follows from 'mtbf' and 'mttr'", "one or the other", path=("host",))
        elif self.mtbf == 0:
            yield Problem("a host that always fails", "a time above 0s", path=("mtbf",))

    @property
    def of_host(self) -> float | None:
        """The availability of a host, 0 to 1; None: unknown."""
        if self.mtbf is not None and self.mttr is not None:
            return self.mtbf / (self.mtbf + self.mttr)
        return self.host
