"""Migrates the databases, empty or from an older release, to this release.

Migrating empty databases takes most of a first start, with the same result each time. So a dump of it is cached for
each release, under a key that changes with anything that it depends on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from onestack.core import contract, data
from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.core.graph import Task, complete
from onestack.platform import catalogue
from onestack.platform.infrastructure import mariadb
from onestack.platform.markers import DATABASES, SCHEMA, SCHEMAS, UPGRADE, Markers
from onestack.platform.node import Node
from onestack.platform.site import Site

MIGRATION_SECONDS = 300.0
"""Seconds without progress after which a migration has failed."""


def key(site: Site) -> str:
    """A digest of all that the migrated databases depend on."""
    chosen = site.leader.choices
    return digits(Path(chosen.environment), Path(chosen.runtime), Path(chosen.base), site.view.cloud.services)


def digits(environment: Path, runtime: Path, base: Path, services: Collection[str]) -> str:
    """The same, from the parts of a cloud."""
    names = [f"{each.name}:{each.user}" for each in catalogue.databases(services)]
    parts = [environment.name, runtime.name, base.name]
    return hashlib.sha256("\n".join([*parts, *names]).encode()).hexdigest()[:12]


def dump(store: Path, key: str) -> Path:
    """The file with the dump of the migrated, empty databases for a key."""
    return store / f"databases-{key}.sql"


def prepare(site: Site, node: Node, markers: Markers, store: Path, emit: Emit) -> None:
    """Bring all chosen services' databases to this release. MariaDB must be running on the node."""
    wanted = key(site)
    names = catalogue.databases(site.view.cloud.services)
    done = markers.load()
    before = done.get(DATABASES)
    if before is None:
        # A killed first start left the databases half migrated, and they cannot be continued. All other markers are
        # written only after this one, so that where they exist the databases contain a cloud.
        if done:
            raise PermanentError(
                "the databases contain a cloud, but not the marker with its release",
                where=f"{SCHEMA}.markers in the cloud's MariaDB",
                hint="restore the databases from a backup; `onestack destroy` removes the cloud and its data",
            )
        node.inside(mariadb.client(), text_in=mariadb.drop(names), patient=True)
    node.inside(mariadb.client(), text_in=mariadb.grants(names, site.view), patient=True)
    if before == wanted:
        return
    if is_ahead(done.get(SCHEMAS), site.view.cloud.series):
        # After the way back from an upgrade: this series works with them, but its migrations know no newer revision.
        markers.write(DATABASES, wanted)
        return
    cached = dump(store, wanted)
    with step("databases", emit) as at:
        if before is None and cached.exists():
            node.inside(mariadb.client(), text_in=cached.read_text(), seconds=120, patient=True)
            at.outcome = "from the release's cache"
        else:
            # Until an upgrade is final, what the series before could not bear is not done.
            migrate(site, node, emit, expand=bool(done.get(UPGRADE)))
            at.outcome = "migrated"
            if before is None:
                partial = cached.with_suffix(f".{os.getpid()}")
                argv = mariadb.dump([each.name for each in names])
                partial.write_text(node.inside(argv, seconds=120, patient=True))
                partial.rename(cached)
        markers.write(DATABASES, wanted)


def is_ahead(schemas: str | None, series: str) -> bool:
    """Whether the schemas have something of a newer series than `series`. Pure."""
    known = data.releases()
    return schemas in known and known.index(schemas) > known.index(series)


def migrate(site: Site, node: Node, emit: Emit, *, expand: bool = False, tree: str = "") -> None:
    """Run all chosen services' migrations in parallel. Raises the first failure.

    `expand`: only those that services of the series before do not mind. `tree`: the namespace with the packages whose
    migrations they are.
    """
    words = (contract.EXPAND,) if expand else ()

    def one(name: str, commands: tuple[tuple[str, ...], ...]) -> None:
        with step(f"migrate {name}", emit):
            for command in commands:
                node.inside(
                    (*command, *words),
                    seconds=MIGRATION_SECONDS,
                    patient=True,
                    log=f"migrate-{name}",
                    tree=tree,
                )

    view = site.view_of(node)
    tasks = [
        Task(service.name, lambda s=service: one(s.name, s.migrations(view)))  # type: ignore[misc]
        for service in catalogue.services(view.cloud.services)
        if service.databases
    ]
    complete(tasks)
