"""Migrates one project's databases, empty or from an older release, to this release; one process for each project.

python3 -m onestack_runtime.admin.migrate nova          (or: nova expand)

With `expand` it only adds to the schemas, for services of the series before that still run or will run again; without
it, it completes that, and changes data too. Idempotent. It writes no secrets to the database: Nova's cells are URL
templates, with user and password from nova.conf.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from onestack_runtime import contract
from onestack_runtime.paths import ENVIRONMENT, ETC, configuration
from onestack_runtime.serving import threads

CELL0_DATABASE = "{scheme}://{username}:{password}@{hostname}/nova_cell0?{query}"
CELL1_DATABASE = "{scheme}://{username}:{password}@{hostname}/{path}?{query}"
CELL1_TRANSPORT = "{scheme}:///"
CELL1_UUID = "6f1f2c34-64ad-4c0f-9a58-0d3a6ee5b0c1"
"""The same in every cloud, so that a dump of the migrated databases can be used for all."""


def keystone(expand: bool) -> None:
    """Keystone's schema. (Its keys are made by its runner.)"""
    os.environ.setdefault("OS_KEYSTONE_CONFIG_DIR", str(ETC / "keystone"))
    import keystone.server
    from keystone.common.sql import upgrades

    keystone.server.configure(config_files=list(map(str, configuration("keystone"))))
    if expand:
        upgrades.expand_schema()
    else:
        upgrades.offline_sync_database_to_version(None)


def glance(expand: bool) -> None:
    """Glance's schema and its catalogue of metadata definitions."""
    from glance.cmd import manage

    _command(
        manage.main,
        "glance-manage",
        *_files("glance"),
        "db",
        "expand" if expand else "sync",
    )
    if expand:
        return
    from glance.db.sqlalchemy import api, metadata

    metadata.db_load_metadefs(
        api.get_engine(), f"{ENVIRONMENT}/etc/glance/metadefs", merge=True, prefer_new=True
    )


def placement(expand: bool) -> None:
    """Placement's schema, and the standard resource classes and traits."""
    from oslo_config import cfg
    from placement import conf, db_api, deploy
    from placement.db.sqlalchemy import migration

    config = cfg.ConfigOpts()
    conf.register_opts(config)
    config([], project="placement", default_config_files=list(map(str, configuration("placement"))))
    db_api.configure(config)
    migration.upgrade("head")
    deploy.update_database(config)


def nova(expand: bool) -> None:
    """Nova's schemas, its two cells, and the data migrations of an older release."""
    # Otherwise nova.cmd applies eventlet's monkey-patching.
    os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "1"
    from nova.cmd.manage import DbCommands  # isort: skip
    from nova import config, context, exception, objects
    from nova.db import migration

    config.parse_args(["nova-manage"], default_config_files=list(map(str, configuration("nova"))))
    objects.register_all()
    migration.db_sync(database="api")
    everything = context.get_admin_context()
    cells = (
        (objects.CellMapping.CELL0_UUID, "cell0", "none:///", CELL0_DATABASE),
        (CELL1_UUID, "cell1", CELL1_TRANSPORT, CELL1_DATABASE),
    )
    for uuid, name, transport, database in cells:
        try:
            mapping = objects.CellMapping.get_by_uuid(everything, uuid)
        except exception.CellMappingNotFound:
            mapping = objects.CellMapping(
                everything, uuid=uuid, name=name, transport_url=transport, database_connection=database
            )
            mapping.create()
            mapping = objects.CellMapping.get_by_uuid(everything, uuid)
        with context.target_cell(everything, mapping) as cell:
            migration.db_sync(context=cell)
    if expand:
        return
    commands = DbCommands()
    while commands.online_data_migrations() == 1:
        pass


def neutron(expand: bool) -> None:
    """Neutron's schema, with its plugins' own."""
    from neutron.db.migration import cli

    _command(cli.main, "neutron-db-manage", *_files("neutron"), "upgrade", "--expand" if expand else "heads")


def cinder(expand: bool) -> None:
    """Cinder's schema, and the data migrations of an older release."""
    os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
    from cinder.cmd import manage

    _command(manage.main, "cinder-manage", *_files("cinder"), "db", "sync")
    if not expand:
        _command(manage.DbCommands().online_data_migrations, "cinder-manage")


def octavia(expand: bool) -> None:
    """Octavia's schema."""
    from octavia.db.migration import cli

    _command(cli.main, "octavia-db-manage", *_files("octavia"), "upgrade", "head")


def _files(project: str) -> list[str]:
    """The options that name a project's configuration."""
    return [f"--config-file={file}" for file in configuration(project)]


def _command(main: Callable[[], object], *words: str) -> None:
    """Run a management command's own main function; it may end by SystemExit."""
    sys.argv = list(words)
    try:
        status = main()
    except SystemExit as ended:
        status = ended.code
    if status:
        raise SystemExit(f"{words[0]}: {status}")


PROJECTS: dict[str, Callable[[bool], None]] = {
    each.__name__: each for each in (keystone, glance, placement, nova, neutron, cinder, octavia)
}


def main() -> int | str:
    name, *phase = sys.argv[1:] or [""]
    if name not in PROJECTS or phase not in ([], [contract.EXPAND]):
        return f"usage: python3 -m onestack_runtime.admin.migrate {'|'.join(PROJECTS)} [{contract.EXPAND}]"
    del sys.argv[1:]
    # Nova blocks eventlet itself; modules that Neutron and Cinder import need it.
    if name not in ("nova", "neutron", "cinder"):
        threads.native()
    PROJECTS[name](bool(phase))
    return 0


if __name__ == "__main__":
    sys.exit(main())
