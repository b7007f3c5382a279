"""MariaDB: a private data folder and socket, sized for a small machine, no TCP, one user per service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onestack.core.contract import ETC, LIB, RUN
from onestack.core.events import Emit
from onestack.host.command import run
from onestack.platform import secrets
from onestack.platform.places import DATABASE_SOCKET, database_secret
from onestack.platform.shape import Database, Folder, InfrastructureService, Process, Ready, Step, local
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

DATA = f"{LIB}/mysql"
CONFIG = f"{ETC}/mariadb/my.cnf"
NAME = "mariadb"
FILES = "database files"
GATEWAY = "database-gateway"
"""The process of `infrastructure.database_gateway`."""

SETTINGS = """\
[mariadbd]
user = mysql
datadir = /var/lib/mysql
socket = /run/mysqld/mysqld.sock
pid-file = /run/mysqld/mysqld.pid
tmpdir = /var/tmp
skip-networking
# Clients would speak TLS even over a socket of this machine.
skip-ssl
skip-name-resolve
skip-log-bin
character-set-server = utf8mb3
collation-server = utf8mb3_general_ci
max_connections = 400
# Sized for a cloud of some thousand resources; a larger one wants more (docs/operate).
innodb_buffer_pool_size = 96M
innodb_log_file_size = 64M
innodb_log_buffer_size = 4M
innodb_doublewrite = 1
key_buffer_size = 1M
aria_pagecache_buffer_size = 1M
performance_schema = off
table_open_cache = 800
thread_cache_size = 8
"""

_CLIENT = ("mariadb", "--no-defaults", "--skip-ssl", f"--socket={DATABASE_SOCKET}", "--user=root")


def files(view: View) -> dict[str, str]:
    return {"mariadb/my.cnf": SETTINGS}


def processes(view: View) -> tuple[Process, ...]:
    if view.replicated:
        # `infrastructure.galera` has its process.
        return ()
    return (
        Process(
            NAME,
            ("mariadbd", f"--defaults-file={CONFIG}"),
            Ready(command=(*_CLIENT, "--execute=SELECT 1"), seconds=60),
            needs=local(FILES),
            stop_seconds=60,
            environment={"MALLOC_ARENA_MAX": "2"},
        ),
    )


def serving(view: View) -> tuple[str, ...]:
    """The names of the leader's processes that services need for their databases."""
    return (NAME, GATEWAY) if view.replicated else (NAME,)


def make_files(site: Site, node: Node, emit: Emit, tree: str = "") -> None:
    """Create MariaDB's data folder unless it exists. An incomplete one is created again. `tree`: the one that MariaDB
    runs in."""
    data = node.outside(DATA)
    done = data / "onestack-made"
    if done.exists():
        return
    for left in data.iterdir():
        run(["rm", "-rf", str(left)])
    node.inside(install(), seconds=120, patient=True, tree=tree)
    done.touch()


def install() -> list[str]:
    """The command that initializes a data folder."""
    return [
        "mariadb-install-db",
        "--no-defaults",
        "--user=mysql",
        f"--datadir={DATA}",
        "--auth-root-authentication-method=socket",
        "--auth-root-socket-user=root",
        "--skip-test-db",
    ]


def client() -> list[str]:
    """The command that reads SQL from its standard input."""
    return [*_CLIENT, "--batch", "--skip-column-names"]


def dump(names: Sequence[str]) -> list[str]:
    """The command that dumps databases as SQL."""
    return ["mariadb-dump", *_CLIENT[1:], "--single-transaction", "--skip-comments", "--databases", *names]


def drop(databases: Sequence[Database]) -> str:
    """SQL that drops the databases, if they exist."""
    return "".join(f"DROP DATABASE IF EXISTS `{database.name}`;\n" for database in databases)


def grants(databases: Sequence[Database], view: View) -> str:
    """SQL that creates the databases and their users, with passwords and privileges. Idempotent.

    While a password is replaced, the former one is valid too.
    """
    lines = []
    for user in sorted({database.user for database in databases}):
        name = database_secret(user)
        passwords = [view.cloud.secrets[name], view.cloud.secrets.get(secrets.before(name))]
        ways = (f"mysql_native_password USING PASSWORD('{each}')" for each in passwords if each)
        by = " OR ".join(ways)
        lines.append(f"CREATE USER IF NOT EXISTS '{user}'@'localhost' IDENTIFIED VIA {by};")
        lines.append(f"ALTER USER '{user}'@'localhost' IDENTIFIED VIA {by};")
    for database in databases:
        lines.append(f"CREATE DATABASE IF NOT EXISTS `{database.name}` CHARACTER SET utf8mb3;")
        lines.append(f"GRANT ALL ON `{database.name}`.* TO '{database.user}'@'localhost';")
    return "\n".join(lines) + "\n"


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    steps=lambda view: (Step(FILES, make_files),),
    folders=(Folder(DATA, "mysql", "mysql", 0o700), Folder(f"{RUN}/mysqld", "mysql", "mysql")),
)
