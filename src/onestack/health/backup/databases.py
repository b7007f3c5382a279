"""Copies the databases of a cloud that serves: MariaDB with mariadb-backup, OVN's with OVSDB's own client.

mariadb-backup copies the data files and what is logged meanwhile, and applies the log to the copy: the result is the
state of all databases at the moment when it ended. Writers wait for a moment only.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from onestack.core.contract import LIB
from onestack.core.errors import PermanentError
from onestack.host import namespace
from onestack.host.command import run
from onestack.platform.backups import TREE
from onestack.platform.infrastructure import mariadb, ovn
from onestack.platform.node import Node
from onestack.platform.places import DATABASE_SOCKET
from onestack.platform.site import Site

SECONDS = 300.0
"""Seconds without progress after which a copy has failed."""
LOG = "backup-mariadb"
MADE = "onestack-made"
"""The mark of a complete data folder, see `mariadb.make_files`."""
# What mariadb-backup leaves beside the data.
_OWN_FILES = ("backup-my.cnf", "mariadb_backup_checkpoints", "mariadb_backup_info", "xtrabackup_*")


def copying(target: str) -> list[str]:
    """The command that copies MariaDB's data to a new folder (a path inside the namespace)."""
    return [
        *("mariadb-backup", "--no-defaults", "--backup"),
        *(f"--datadir={mariadb.DATA}", f"--socket={DATABASE_SOCKET}", "--user=root", "--skip-ssl"),
        # Each of a thousand small files is flushed to the disk: several at a time.
        *(f"--target-dir={target}", f"--tmpdir={LIB}/tmp", "--parallel=4"),
    ]


def preparing(target: str) -> list[str]:
    """The command that applies the log to a copy."""
    return ["mariadb-backup", "--no-defaults", "--prepare", f"--target-dir={target}", f"--tmpdir={LIB}/tmp"]


def copy_mariadb(node: Node, tree: Path, target: str) -> None:
    """Copy the data of a MariaDB that runs to `target`, a path inside the namespace. Raises CommandFailed."""
    layout = namespace.beside(TREE, tree, node.paths)
    kept = TREE in node.choices.trees
    if not kept and namespace.outdated(layout):
        namespace.remove_tree(node.paths, TREE)
    namespace.create(layout, isolated=node.choices.isolated)
    # It names every table: that of the last backup is enough.
    node.log(LOG).unlink(missing_ok=True)
    try:
        for argv in (copying(target), preparing(target)):
            node.inside(argv, seconds=SECONDS, patient=True, tree=TREE, log=LOG)
    finally:
        if not kept:
            namespace.remove_tree(node.paths, TREE)
    copied, data = node.outside(target), node.outside(mariadb.DATA)
    for pattern in _OWN_FILES:
        for left in copied.glob(pattern):
            left.unlink()
    (copied / MADE).touch()
    run(["chown", "-R", f"--reference={data}", str(copied)], seconds=120)
    copied.chmod(data.stat().st_mode & 0o7777)


def ovn_names(site: Site) -> dict[str, str]:
    """File of each of OVN's databases on this host -> its schema's name. Open vSwitch's own is made anew by `up`."""
    if "network" not in site.view.cloud.services:
        return {}
    names = {"ovnnb_db.db": "OVN_Northbound", "ovnsb_db.db": "OVN_Southbound"}
    return {
        each.file: names[Path(each.file).name]
        for each in ovn.databases(site.view)
        if Path(each.file).name in names
    }


def copy_ovn(site: Site, target: Path) -> None:
    """Copy OVN's databases to a folder, each as a file that ovsdb-server can serve. Raises CommandFailed."""
    sockets = {each.file: each.socket for each in ovn.databases(site.view)}
    for file, name in ovn_names(site).items():
        copied = target / Path(file).name
        copied.parent.mkdir(parents=True, exist_ok=True)
        words = ["ovsdb-client", "backup", f"unix:{sockets[file]}", name]
        with copied.open("wb") as out:
            _run_to(site.leader, words, out.fileno(), copied)
        copied.chmod(0o640)
        os.chown(copied, 0, 0)


def restore_northbound(site: Site, folder: Path) -> None:
    """Have OVN's northbound database be what `copy_ovn` copied to a folder; it is served. Raises CommandFailed."""
    sockets = {each.file: each.socket for each in ovn.databases(site.view)}
    for file, name in ovn_names(site).items():
        if name == "OVN_Northbound":
            text = (folder / Path(file).name).read_text()
            words = ["ovsdb-client", "restore", f"unix:{sockets[file]}", name]
            site.leader.inside(words, seconds=SECONDS, text_in=text)


def _run_to(node: Node, words: list[str], descriptor: int, copied: Path) -> None:
    """Run a command inside the namespace whose output is data."""
    done = subprocess.run(
        node.enter(words), stdin=subprocess.DEVNULL, stdout=descriptor, stderr=subprocess.PIPE, check=False,
        timeout=SECONDS,
    )  # fmt: skip
    if done.returncode != 0 or copied.stat().st_size == 0:
        said = done.stderr.decode(errors="replace")
        raise PermanentError(f"{' '.join(words[:2])} of {words[-1]} failed", detail=said)
