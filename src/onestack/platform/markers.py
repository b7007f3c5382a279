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


class Markers:
    """The markers of one cloud, read once: only who holds the cloud's lock writes them."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[str, str] = {}

    def load(self) -> Mapping[str, str]:
        """All there are: name -> value. MariaDB must run on the node. Takes over those of an older OneStack."""
        folder = self._node.outside(mariadb.DATA)
        older = "".join(_insert(name, value) for name, value in _of_files(folder).items())
        rows = self._sql(f"{_CREATE}{older}SELECT name, value FROM `{SCHEMA}`.`markers`;\n").splitlines()
        for name in (*_FILES.values(), _FURNISHED_FILE):
            (folder / name).unlink(missing_ok=True)
        self._known = dict(row.split("\t", 1) for row in rows)
        return self.known

    @property
    def known(self) -> Mapping[str, str]:
        """As loaded and written since: name -> value."""
        return dict(self._known)

    def write(self, name: str, value: str = "") -> None:
        """Have a marker with a value."""
        self._sql(_insert(name, value))
        self._known[name] = value

    def _sql(self, text: str) -> str:
        return self._node.inside(mariadb.client(), text_in=text, patient=True)


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
