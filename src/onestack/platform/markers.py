"""What was done once in a cloud's life, kept in its own database: lost and restored with what it is about.

Names: `databases` (the release whose tables are there), `bootstrap` (what Keystone was made with), `furnished/NAME`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onestack.platform.infrastructure import mariadb
from onestack.platform.node import Node

SCHEMA = "onestack"
DATABASES, BOOTSTRAP, FURNISHED = "databases", "bootstrap", "furnished/"

_CREATE = f"""\
CREATE DATABASE IF NOT EXISTS `{SCHEMA}` CHARACTER SET utf8mb4;
CREATE TABLE IF NOT EXISTS `{SCHEMA}`.`markers` (
  `name` VARCHAR(255) NOT NULL PRIMARY KEY,
  `value` VARCHAR(255) NOT NULL,
  `at` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);
"""

# Where an older OneStack kept them: files beside the data.
_FILES = {DATABASES: "onestack-databases", BOOTSTRAP: "onestack-bootstrapped"}
_FURNISHED_FILE = "onestack-furnished"


def ensure(node: Node) -> None:
    """Have a place for them. MariaDB must run on the node. Takes in those of an older OneStack."""
    folder = node.outside(mariadb.DATA)
    _sql(node, _CREATE + "".join(_insert(name, value) for name, value in _of_files(folder).items()))
    for name in (*_FILES.values(), _FURNISHED_FILE):
        (folder / name).unlink(missing_ok=True)


def read(node: Node) -> Mapping[str, str]:
    """All there are: name -> value."""
    rows = _sql(node, f"SELECT name, value FROM `{SCHEMA}`.`markers`;\n").splitlines()
    return dict(row.split("\t", 1) for row in rows)


def write(node: Node, name: str, value: str = "") -> None:
    """Have a marker with a value."""
    _sql(node, _insert(name, value))


def _of_files(folder: Path) -> dict[str, str]:
    found = {name: (folder / file).read_text() for name, file in _FILES.items() if (folder / file).exists()}
    furnished = folder / _FURNISHED_FILE
    for name in furnished.read_text().splitlines() if furnished.exists() else ():
        found[f"{FURNISHED}{name}"] = ""
    return found


def _insert(name: str, value: str) -> str:
    into = f"INSERT INTO `{SCHEMA}`.`markers` (name, value) VALUES ({_text(name)}, {_text(value)})"
    return f"{into} ON DUPLICATE KEY UPDATE value = VALUES(value);\n"


def _text(value: str) -> str:
    """A value as an SQL literal that no character of it can end."""
    return f"CONVERT(X'{value.encode().hex()}' USING utf8mb4)" if value else "''"


def _sql(node: Node, text: str) -> str:
    return node.inside(mariadb.client(), text_in=text, patient=True)
