"""The steps of an upgrade and of the way back, each of which may be repeated after it was cut off."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

from onestack.core import contract
from onestack.core.events import Emit, step
from onestack.core.paths import Paths
from onestack.core.wait import until
from onestack.health.backup import create as backup
from onestack.health.backup import databases as copies
from onestack.health.upgrade import journal, pair, reads
from onestack.health.upgrade.journal import AFTER, BEFORE, When
from onestack.health.upgrade.pair import Pair
from onestack.host import exchange, namespace, processes
from onestack.host.files import replace_private
from onestack.platform import bringup, catalogue, databases, fetch, prepare, readiness, site, takedown
from onestack.platform.choices import Choices, choices_file
from onestack.platform.hosts.work import Here
from onestack.platform.infrastructure import mariadb
from onestack.platform.markers import DATABASES, SCHEMAS, UPGRADE, Markers
from onestack.platform.node import Node
from onestack.platform.shape import Service
from onestack.platform.site import Site
from onestack.spec import load as load_spec
from onestack.spec.release import with_release

SNAPSHOT = f"{contract.LIB}/upgrade"
"""The copies of the databases, a path inside the namespace."""
SEEN = "seen.json"
"""What was there before, by kind."""


def query(node: Node, sql: str) -> list[list[str]]:
    """The rows of a query, without their names."""
    return [line.split("\t") for line in node.inside(mariadb.client(), text_in=f"{sql};\n").splitlines()]


def with_parts(now: Choices, parts: Choices) -> Choices:
    """The choices of now, with another release's Python packages. The base stays: guests run in it."""
    return replace(now, environment=parts.environment, runtime=parts.runtime, dashboard=parts.dashboard)


def get(found: Site, newer: str, emit: Emit) -> None:
    """Fetch the parts of a release, and keep what the cloud was and will be."""
    paths = found.paths
    both: tuple[When, ...] = (BEFORE, AFTER)
    for when in both:
        journal.kept(paths, when, "").mkdir(mode=0o700, parents=True, exist_ok=True)
    text = with_release(site.spec_file(paths).read_text(), newer)
    after = journal.kept(paths, AFTER, site.spec_file(paths).name)
    replace_private(after, text)
    spec = load_spec(after)
    parts = fetch.fetch(paths, spec.platform, emit, trees=tuple(found.here.choices.trees))
    now = found.here.choices
    dashboard = str(parts.dashboard) if parts.dashboard else None
    new = replace(now, environment=str(parts.environment), runtime=str(parts.runtime), dashboard=dashboard)
    now.save(journal.kept(paths, BEFORE, choices_file(paths).name))
    new.save(journal.kept(paths, AFTER, choices_file(paths).name))
    replace_private(journal.kept(paths, BEFORE, SEEN), json.dumps(reads.all_ids(found)))


def snapshot(found: Site, emit: Emit) -> None:
    """Copy MariaDB and OVN's databases while the cloud serves."""
    tree = backup.programs(found.paths, found.view.cloud.series, emit)
    node, folder = found.leader, found.leader.outside(SNAPSHOT)
    with step("snapshot", emit) as at:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o711, exist_ok=True)
        # By a name of its own: what a killed command had started may still write to the former one.
        own = f"mysql-{os.getpid()}"
        copies.copy_mariadb(node, tree, f"{SNAPSHOT}/{own}")
        (folder / own).rename(folder / "mysql")
        copies.copy_ovn(found, folder / "ovn")
        size = sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())
        at.outcome = f"{size / 1e6:.0f} MB"


def expand(found: Site, emit: Emit) -> None:
    """Add to the schemas what the newer release needs, with its packages, while the older one serves."""
    handle = namespace.mount_handle(found.paths, exchange.NEXT)

    def ended() -> tuple[bool, str]:
        left = processes.rooted_in(handle)
        return not left, ", ".join(str(each.pid) for each in left)

    # Migrations that a killed command had started; two of a project at the same time would fail.
    until("earlier migrations to end", ended, seconds=databases.MIGRATION_SECONDS, every=0.5)
    newer = after(found)
    exchange.copy(newer.here.layout)
    markers = Markers(found.leader)
    markers.load()
    markers.write(SCHEMAS, newer.view.cloud.series)
    databases.migrate(found, found.leader, emit, expand=True, tree=exchange.NEXT)


def after(found: Site) -> Site:
    """The cloud as it will be with the newer release."""
    paths = found.paths
    kept = Choices.load(journal.kept(paths, AFTER, choices_file(paths).name))
    spec = load_spec(journal.kept(paths, AFTER, site.spec_file(paths).name))
    return site.on_this_host(paths, spec, with_parts(found.here.choices, kept))


def switch(found: Site, when: When, series: str, emit: Emit) -> Site:
    """Have another release be the cloud's: its spec, its choices, the marker of its databases.

    `up` brings what is written here up. It would migrate databases whose marker is another one, so that one comes
    last on the way forward; on the way back the older release must not find a newer marker, and it comes first.
    """
    paths, node = found.paths, found.leader
    with step("release", emit) as at:
        kept = Choices.load(journal.kept(paths, when, choices_file(paths).name))
        choices = with_parts(found.here.choices, kept)
        text = with_release(site.spec_file(paths).read_text(), series)
        folder = journal.folder(paths) / site.spec_file(paths).name
        replace_private(folder, text)
        other = site.on_this_host(paths, load_spec(folder), choices)
        markers = Markers(node)
        markers.load()
        if when == BEFORE:
            markers.write(DATABASES, databases.key(other))
            markers.write(UPGRADE)
        else:
            markers.write(UPGRADE, "not final")
        replace_private(site.spec_file(paths), text)
        choices.save(choices_file(paths))
        if when == AFTER:
            markers.write(DATABASES, databases.key(other))
        at.outcome = series
    return site.load(paths)


def replace_processes(found: Site, emit: Emit, back: Pair | None = None) -> None:
    """Exchange the processes of one service after another; guests, switches and databases run on.

    `back`: on the way back, what is set back in the data; then the services come in the reverse order.
    """
    node, view, layout = found.leader, found.view, found.here.layout
    with step("namespace", emit):
        exchange.take(layout)
    takedown.stop_watchers(node.supervisor)
    with step("folders and configuration", emit) as at:
        prepare.write(found, at)
        prepare.configure(found)
        changed = {*node.supervisor.changed()}
    services = catalogue.services(view.cloud.services)
    for service in reversed(services) if back else services:
        sql = pair.set_back(back, service.type) if back else ""
        _exchange(found, service, changed, sql, emit)
    image = fetch.image(Path(found.here.choices.base), Path(found.here.choices.base).parent, emit)
    bringup.bring_up(found, [Here(found)], image, emit)


def _exchange(found: Site, service: Service, changed: set[str], sql: str, emit: Emit) -> None:
    """Exchange a service's processes, unless they are of this release already."""
    node = found.leader
    programs = node.supervisor.programs()
    for process in service.processes(found.view):
        running = programs.get(process.name)
        # After a cut it is not known whether its data were set back: that is done again then.
        if not sql and running and running.pid and exchange.runs_from(running.pid, node.layout):
            continue
        readiness.hold_requests(node, process)
        if process.name in changed:
            node.supervisor.exchange(process.name)
        else:
            node.supervisor.stop(process.name)
        if sql:
            with step(f"data of {service.name}", emit):
                node.inside(mariadb.client(), text_in=f"{sql}\n", seconds=120, patient=True)
        readiness.start(node, process, emit)


def restore(found: Site, emit: Emit) -> None:
    """Have MariaDB's data and OVN's northbound database be those of the snapshot. Services are stopped for it.

    The southbound database follows from the northbound one.
    """
    node, folder = found.leader, found.leader.outside(SNAPSHOT)
    running = takedown.stop_watchers(node.supervisor)
    with step("services", emit):
        takedown.stop_all(node.supervisor, takedown.services_of(found.paths, running))
        takedown.stop_all(node.supervisor, [mariadb.NAME])
    with step("restore", emit):
        data = node.outside(mariadb.DATA)
        if (folder / "mysql").exists():
            # Moved as a whole: a cut leaves the one or the other.
            if data.exists():
                shutil.rmtree(folder / "replaced", ignore_errors=True)
                data.rename(folder / "replaced")
            (folder / "mysql").rename(data)
        (process,) = (each for each in mariadb.processes(found.view) if each.name == mariadb.NAME)
        readiness.start(node, process, emit)
        copies.restore_northbound(found, folder / "ovn")


def finish(found: Site, emit: Emit) -> None:
    """Complete the migrations, which the older release could not bear."""
    databases.migrate(found, found.leader, emit)
    Markers(found.leader).write(UPGRADE)


def forget(paths: Paths) -> None:
    """Remove the journal and what is kept for the way back. Parts of releases stay in the cache."""
    journal.remove(paths)
    shutil.rmtree(paths.data / "upgrade", ignore_errors=True)
    namespace.remove_tree(paths, exchange.NEXT)


def strangers(found: Site) -> list[str]:
    """Guests that run and are not in Nova's database, as after a restore; in words."""
    node = found.leader
    if found.here.choices.virt_type == "fake" or "compute" not in found.view.cloud.services:
        return []
    known = {row[0] for row in query(node, "SELECT uuid FROM nova.instances WHERE deleted = 0")}
    virsh = ("virsh", "--connect", "qemu:///system")
    running = node.inside((*virsh, "list", "--all", "--uuid"), seconds=30).split()
    return [
        f"the guest {each} was made since, and is in no database; this ends it: "
        f"{shlex.join(node.enter((*virsh, f'undefine {each}; destroy {each}')))}"
        for each in running
        if each not in known
    ]
