"""Asks the services' databases, all rows in one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from onestack.platform.infrastructure import mariadb
from onestack.platform.site import Site

# Lists of names are cut at a kilobyte otherwise. What takes longer than these seconds is given up by MariaDB itself.
_SETTINGS = "SET SESSION group_concat_max_len = 65536, max_statement_time = 20;\n"


def ask(site: Site, sql: str, seconds: float) -> str:
    """The output of queries whose rows are a name and a JSON array, for `rows`. `seconds`: the timeout of all. Raises
    CommandFailed."""
    return site.leader.inside([*mariadb.client(), "--raw"], text_in=_SETTINGS + sql, seconds=seconds)


def rows(output: str) -> Iterator[tuple[str, list[Any]]]:
    """Each row's name and the values of its array. Raises ValueError for what is no row."""
    for line in output.splitlines():
        name, _, values = line.partition("\t")
        yield name, json.loads(values)
