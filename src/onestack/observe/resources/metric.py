"""The shape of a metric that is read from a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A gauge. `name`: after the prefix of its service, or `prefix`. `labels`: in the order of openstack-exporter.

    `select`: a SELECT with a column for each label, of the same name, and a column `value`.
    """

    name: str
    description: str
    select: str
    labels: tuple[str, ...] = ()
    prefix: str = ""

    def query(self) -> str:
        """SQL whose rows are the metric's name and a JSON array: the labels' values, then the value."""
        columns = ", ".join(f"q.`{each}`" for each in (*self.labels, "value"))
        return f"SELECT '{self.name}', JSON_ARRAY({columns}) FROM ({self.select}) AS q;\n"


@dataclass(frozen=True)
class Group:
    """The metrics of a service. `service`: its name in the spec. `prefix`: of their names."""

    service: str
    prefix: str
    metrics: tuple[Metric, ...]


def boolean(expression: str) -> str:
    """SQL for `true` or `false`, as openstack-exporter writes them."""
    return f"IF({expression}, 'true', 'false')"


def number_of(column: str, numbers: Mapping[str, int]) -> str:
    """SQL for the number that openstack-exporter gives a status; -1 for one that it does not know."""
    cases = " ".join(f"WHEN '{status}' THEN {number}" for status, number in numbers.items())
    return f"CASE {column} {cases} ELSE -1 END"


def numbered(*statuses: str) -> dict[str, int]:
    """Statuses with their numbers, from 0 on."""
    return {status: number for number, status in enumerate(statuses)}


def count(name: str, description: str, source: str) -> Metric:
    """The number of rows. `source`: what follows FROM."""
    return Metric(name, description, f"SELECT COUNT(*) AS value FROM {source}")
