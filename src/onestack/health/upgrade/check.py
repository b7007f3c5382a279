"""What an upgrade will do, and what stops it. Changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from onestack.core import data
from onestack.core.errors import BadInput
from onestack.health import status
from onestack.health.upgrade import pair, reads, steps
from onestack.host import base, environment
from onestack.platform import catalogue
from onestack.platform.site import Site

SPARE = 512 << 20
"""Bytes that stay free."""
PACKAGES = 1200 << 20
"""Bytes that a release's Python packages and the dashboard's files take in the cache."""


@dataclass(frozen=True)
class Plan:
    """`older`, `newer`: the series. `stops`: why it cannot be done now. `notes`: what one should know. `does`: what
    will be done, in order. `back`: how it is undone until `commit`."""

    older: str
    newer: str
    stops: tuple[str, ...]
    notes: tuple[str, ...]
    does: tuple[str, ...]
    back: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def build(site: Site, series: str) -> tuple[str, str]:
    """The names of the folders with OpenStack's packages and the runtime of a series, as this OneStack has them."""
    packages = environment.digest(data.release(series) / "requirements.txt")
    return f"openstack-{packages}", f"runtime-{environment.digest(data.folder('runtime'))}"


def require_possible(site: Site, newer: str) -> pair.Pair:
    """What is known of the pair. Raises BadInput where an upgrade is not possible at all."""
    site.require_leader()
    if site.peers:
        raise BadInput(
            "a cloud of several hosts cannot be upgraded this way yet",
            hint="docs/upgrade.md says what there is",
        )
    older = site.view.cloud.series
    found = pair.of(older, newer)
    chosen = site.here.choices
    if older == newer and build(site, newer) == (Path(chosen.environment).name, Path(chosen.runtime).name):
        raise BadInput(
            f"the cloud runs this build of {newer} already", hint="`onestack status` says what runs"
        )
    return found


def examine(site: Site, newer: str) -> Plan:
    """The plan of an upgrade. Raises BadInput where there is none."""
    known = require_possible(site, newer)
    found = status.examine(site)
    if found.health == "not running":
        raise BadInput(
            "the cloud does not run", hint="`onestack up` brings it back; it is upgraded while it serves"
        )
    stops = [*found.reasons]
    if not stops:
        stops += pair.stopping(known.stops, lambda sql: steps.query(site.leader, sql))
        stops += [f"{each}: wait until it is done" for each in reads.under_way(site)]
    stops += _space(site, newer)
    return Plan(
        known.older, newer, tuple(stops), tuple(_notes(site, newer)), tuple(_does(site, known)), _back(known)
    )


def _space(site: Site, newer: str) -> list[str]:
    paths = site.paths
    copied = 2 * sum(
        each.stat().st_blocks * 512 for each in (paths.data / "mysql").rglob("*") if each.is_file()
    )
    store = paths.release(newer)
    fetched = all((store / name).exists() for name in build(site, newer))
    needed = [(paths.data, copied + SPARE, "for the snapshot of the databases")]
    needed += [] if fetched else [(paths.cache, PACKAGES + SPARE, "for the release's packages")]
    return short_of({str(place): shutil.disk_usage(place).free for place, _, _ in needed}, needed)


def short_of(free: dict[str, int], needed: Collection[tuple[Path, int, str]]) -> list[str]:
    """Which disks are too full, in words. Pure."""
    return [
        f"{place}: {free[str(place)] >> 20} MiB free, {wanted >> 20} MiB needed {why}"
        for place, wanted, why in needed
        if free[str(place)] < wanted
    ]


def _notes(site: Site, newer: str) -> list[str]:
    native = data.native(newer)
    tree = f"base-{base.key(native, site.spec.platform.base_extras)}"
    if tree == Path(site.here.choices.base).name:
        return ["guests, networks, balancers and volumes are not touched: the native packages stay the same"]
    return [
        "guests and networks run on with the native packages of now; the next `onestack up` takes the newer ones, "
        "and restarts guests"
    ]


def _does(site: Site, known: pair.Pair) -> list[str]:
    names = [each.name for each in catalogue.services(site.view.cloud.services)]
    return [
        f"fetch the packages of {known.newer}, while {known.older} serves",
        "copy MariaDB and OVN's databases, for the way back",
        f"add to the databases what {known.newer} needs, while {known.older} serves",
        f"exchange {', '.join(names)}, one after another; each API is away while its process starts",
        "read through every API; where that fails, go back",
        "wait for `onestack upgrade commit` or `onestack upgrade rollback`",
    ]


def _back(known: pair.Pair) -> str:
    if not known.additive:
        return "by the snapshot of the databases: what was made since is lost"
    number = len(known.back)
    return f"with all that was made since: {known.older} works with the newer databases" + (
        f" after {number} changes to their data" if number else ""
    )
