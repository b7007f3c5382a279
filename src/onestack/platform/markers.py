"""Markers of what was done once in a cloud's life, in its own database: they are lost and restored together with the
data.

Names: `databases` (the release of the tables), `bootstrap` (the input of Keystone's bootstrap), `furnished/NAME`,
`schemas` (the newest series of which the schemas have something, once there was an upgrade), `upgrade` (not empty
while there is a way back from one).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from onestack.platform.infrastructure import mariadb
from onestack.platform.node import Node

SCHEMA = "onestack"
DATABASES, BOOTSTRAP, FURNISHED = "databases", "bootstrap", "furnished/"
SCHEMAS, UPGRADE = "schemas", "upgrade"

_CREATE = f"""\
CREATE DATABASE IF NOT EXISTS `{SCHEMA}` CHARACTER SET utf8mb4;
CREATE TABLE IF NOT EXISTS `{SCHEMA}`.`markers` (
  `name` VARCHAR(255) NOT NULL PRIMARY KEY,
  `value` VARCHAR(255) NOT NULL,
  `at` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);
"""

# Older versions of OneStack kept them as files beside the data.
_FILES = {DATABASES: "onestack-databases", BOOTSTRAP: "onestack-bootstrapped"}
_FURNISHED_FILE = "onestack-furnished"


class Markers:
    """The markers of one cloud. They are read once, since only the holder of the cloud's lock writes them."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[str, str] = {}

    def load(self) -> Mapping[str, str]:
        """Load all markers, including those of an older OneStack. MariaDB must run on the node."""
        folder = self._node.outside(mariadb.DATA)
        older = "".join(_insert(name, value) for name, value in _from_files(folder).items())
        rows = self._sql(f"{_CREATE}{older}SELECT name, value FROM `{SCHEMA}`.`markers`;\n").splitlines()
        for name in (*_FILES.values(), _FURNISHED_FILE):
            (folder / name).unlink(missing_ok=True)
        self._known = dict(row.split("\t", 1) for row in rows)
        return self.known

    @property
    def known(self) -> Mapping[str, str]:
        """The markers as loaded, and written since: name -> value."""
        return dict(self._known)

    def write(self, name: str, value: str = "") -> None:
        """Write a marker."""
        self._sql(_insert(name, value))
        self._known[name] = value

    def _sql(self, text: str) -> str:
        return self._node.inside(mariadb.client(), text_in=text, patient=True)


def _from_files(folder: Path) -> dict[str, str]:
    found = {name: (folder / file).read_text() for name, file in _FILES.items() if (folder / file).exists()}
    furnished = folder / _FURNISHED_FILE
    for name in furnished.read_text().splitlines() if furnished.exists() else ():
        found[f"{FURNISHED}{name}"] = ""
    return found


def _insert(name: str, value: str) -> str:
    into = f"INSERT INTO `{SCHEMA}`.`markers` (name, value) VALUES ({_text(name)}, {_text(value)})"
    return f"{into} ON DUPLICATE KEY UPDATE value = VALUES(value);\n"


def _text(value: str) -> str:
    """A value as an SQL literal; no character in the value can end it."""
    return f"CONVERT(X'{value.encode().hex()}' USING utf8mb4)" if value else "''"
