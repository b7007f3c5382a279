"""A kind that OneStack does not have, as one module: toys, which are kept in a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from onestack.core.errors import Place
from onestack.language.types import Problem, Text, example
from onestack.language.words import Counted, NetworkRef, Size
from onestack.workloads.kind.base import Kind, Limit, Listed
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.plan.model import Wanted


class Toy(Counted):
    """Something to play with."""

    model_config = example("""\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    toys: [{name: ball, network: front, size: 3}]
""")

    network: NetworkRef
    """Where it is."""
    size: Size = 1
    """How large it is, in cm."""
    colour: Literal["red", "blue"] = "red"
    """Its colour."""
    description: Text = ""
    """What it is for."""

    def problems(self) -> Iterator[Problem]:
        if self.colour == "blue" and self.size > 5:
            yield Problem("no blue toy is that large", "at most 5", path=("size",))


class Toys(Kind):
    name, service = "toy", "network"
    key = "toys"
    in_tenant = Listed(Toy, "What it plays with.")
    limits = {"toys": Limit("toy", "Toys.")}  # noqa: RUF012
    path, one, many = "/toys", "toy", "toys"
    fields = ("name", "description", "network_id", "size", "colour")
    refs = {"network_id": "network"}  # noqa: RUF012
    immutable = frozenset({"network_id", "size"})
    removable = True

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields = {
            "network_id": scope.named("network", item.network),
            "size": item.size,
            "colour": item.colour,
        }
        return self.of_tenant(scope, item.name, place, fields | given(item, "description"))
