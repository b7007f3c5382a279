"""The databases: from an empty data folder, or an older release, to what this release expects.

Migrating empty databases takes most of a first start, and comes out the same each time: the result is kept
per release, under a key that changes with anything it depends on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.core.graph import Task, execute
from onestack.host.command import run
from onestack.platform import catalogue
from onestack.platform.infrastructure import mariadb
from onestack.platform.readiness import progress
from onestack.platform.site import PYTHON, Site

MIGRATION_SECONDS = 300.0
"""How long a migration may stand still."""


def key(site: Site) -> str:
    """Digits that change with anything the migrated databases depend on."""
    chosen = site.choices
    return digits(Path(chosen.environment), Path(chosen.runtime), Path(chosen.base), site.view.services)


def digits(environment: Path, runtime: Path, base: Path, services: Collection[str]) -> str:
    """The same, of what a cloud is made of."""
    names = [f"{each.name}:{each.user}" for each in catalogue.databases(services)]
    parts = [environment.name, runtime.name, base.name]
    return hashlib.sha256("\n".join([*parts, *names]).encode()).hexdigest()[:12]


def dump(store: Path, key: str) -> Path:
    """The file that keeps the migrated, empty databases of a key."""
    return store / f"databases-{key}.sql"


def prepare(site: Site, emit: Emit, store: Path) -> None:
    """Have every chosen service's databases at this release. MariaDB must run."""
    # Beside the data, so that it is lost or kept with them.
    marker = site.outside(mariadb.DATA) / "onestack-databases"
    wanted = key(site)
    names = catalogue.databases(site.view.services)
    sql = [*site.enter(mariadb.client())]
    if not marker.exists():
        # Never finished: what a killed first start left half migrated cannot be gone on from. Both later
        # markers are made only after this one, so that where they are the databases hold a cloud.
        if any(other.exists() for other in (bootstrap_marker(site), furnished_marker(site))):
            raise PermanentError(
                "the databases hold a cloud, but the file that says of which release is gone",
                where=str(marker),
                hint="restore it from a backup; `onestack destroy` begins anew, without the cloud's data",
            )
        run(sql, text_in=mariadb.drop(names), seconds=60, patient=progress(site))
    run(sql, text_in=mariadb.grants(names, site.view), seconds=60, patient=progress(site))
    if marker.exists() and marker.read_text() == wanted:
        return
    cached = dump(store, wanted)
    with step("databases", emit) as at:
        if not marker.exists() and cached.exists():
            run(sql, text_in=cached.read_text(), seconds=120, patient=progress(site))
            at.outcome = "from the release's cache"
        else:
            migrate(site, emit)
            at.outcome = "migrated"
            if not marker.exists():
                partial = cached.with_suffix(f".{os.getpid()}")
                argv = site.enter(mariadb.dump([each.name for each in names]))
                partial.write_text(run(argv, seconds=120, patient=progress(site)))
                partial.rename(cached)
        marker.write_text(wanted)


def bootstrap_marker(site: Site) -> Path:
    """Says with what the first administrator was made; it goes when Keystone's database goes."""
    return site.outside(mariadb.DATA) / "onestack-bootstrapped"


def furnished_marker(site: Site) -> Path:
    """Names, one a line, what the cloud was given once; what its operator then takes away stays away."""
    return site.outside(mariadb.DATA) / "onestack-furnished"


def migrate(site: Site, emit: Emit) -> None:
    """Run every chosen service's migrations, the services side by side. Raises the first failure."""

    def one(name: str, commands: tuple[tuple[str, ...], ...]) -> None:
        with step(f"migrate {name}", emit):
            for command in commands:
                run(
                    site.enter(command),
                    seconds=MIGRATION_SECONDS,
                    patient=progress(site),
                    environment=PYTHON,
                    inherit=False,
                    log=site.log(f"migrate-{name}"),
                )

    found = catalogue.services(site.view.services)
    tasks = [
        Task(service.name, lambda s=service: one(s.name, s.migrations(site.view)))  # type: ignore[misc]
        for service in found
        if service.databases
    ]
    for error in execute(tasks).values():
        raise error
