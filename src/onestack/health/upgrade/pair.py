"""What is known of a pair of series: what stops an upgrade, whether the way back needs a restore, what it sets back.

It is data, in the folder of the newer series: `from-<older>.toml`. Between builds of one series nothing is set back:
upstream changes no schema within a series.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onestack.core import data
from onestack.core.errors import BadInput

Ask = Callable[[str], list[list[str]]]
"""Runs a query in the cloud's MariaDB; returns the rows."""


@dataclass(frozen=True)
class Stop:
    """A query each of whose rows stops what is wanted; `what` says why, with the row's columns as {0}, {1}."""

    query: str
    what: str


@dataclass(frozen=True)
class SetBack:
    """SQL that is run while `service` (its type) does not run, before its older release is started."""

    service: str
    sql: str


@dataclass(frozen=True)
class Pair:
    """`stops`: what stops the upgrade. `additive`: the older release works with the newer schemas. `stops_back`: what
    of the newer release the older one cannot have. `back`: what is set back in the data."""

    older: str
    newer: str
    stops: tuple[Stop, ...] = ()
    additive: bool = True
    stops_back: tuple[Stop, ...] = ()
    back: tuple[SetBack, ...] = ()


def of(older: str, newer: str) -> Pair:
    """What is known of two series. Raises BadInput where there is no way from one to the other."""
    if older == newer:
        return Pair(older, newer)
    known = data.releases()
    if newer not in known:
        raise BadInput(f"there is no release {newer} here", hint=f"--to one of {', '.join(known)}")
    if older not in known:
        raise BadInput(f"this OneStack does not know {older}, which the cloud runs")
    if known.index(newer) < known.index(older):
        raise BadInput(
            f"{newer} is older than {older}, which the cloud runs",
            hint="`onestack upgrade rollback` goes back until `commit`; after that a backup does",
        )
    file = data.release(newer) / f"from-{older}.toml"
    if not file.exists():
        between = known[known.index(older) + 1]
        raise BadInput(
            f"there is no way from {older} to {newer} at once: OpenStack goes from a series to the next one",
            hint=f"`onestack upgrade --to {between}` first, and `commit` it",
        )
    return parse(older, newer, tomllib.loads(file.read_text()))


def parse(older: str, newer: str, found: Mapping[str, Any]) -> Pair:
    """A pair from its file. Pure."""
    back = found["back"]
    return Pair(
        older,
        newer,
        tuple(Stop(**each) for each in found.get("stops", ())),
        bool(back["additive"]),
        tuple(Stop(**each) for each in back.get("stops", ())),
        tuple(SetBack(**each) for each in back.get("sql", ())),
    )


def stopping(stops: Sequence[Stop], ask: Ask) -> list[str]:
    """What stops it, in words."""
    return [each.what.format(*row) for each in stops for row in ask(each.query)]


def set_back(pair: Pair, service: str) -> str:
    """The SQL of a service (its type), empty if there is none. Pure."""
    return "\n".join(each.sql.strip() for each in pair.back if each.service == service)
