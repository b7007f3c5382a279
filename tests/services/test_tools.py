"""The commands beside the runners: upstream's own tools, migrations, key rotation."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from onestack_runtime.admin import cells, key_rotation, manage, migrate


def test_an_upstream_tool_is_told_where_the_configuration_lies() -> None:
    assert manage.arguments("nova-manage", ["cell_v2", "list_cells"]) == [
        "nova-manage",
        "--config-file=/etc/onestack/nova/nova.conf",
        "cell_v2",
        "list_cells",
    ]


def test_an_upstream_tool_that_is_told_where_is_left_alone() -> None:
    given = ["--config-file", "/tmp/other.conf", "db", "version"]
    assert manage.arguments("nova-manage", given) == ["nova-manage", *given]


def test_other_tools_get_just_their_arguments() -> None:
    assert manage.arguments("openstack", ["server", "list"]) == ["openstack", "server", "list"]


def test_cells_hold_no_password_of_their_own() -> None:
    for template in (migrate.CELL0_DATABASE, migrate.CELL1_DATABASE):
        filled = template.format(
            scheme="mysql+mysqldb",
            username="nova",
            password="p",
            hostname="localhost",
            path="nova",
            query="q=1",
        )
        assert filled.startswith("mysql+mysqldb://nova:p@localhost/nova")
        assert filled.endswith("?q=1")
        assert "{password}" in template
    assert migrate.CELL1_TRANSPORT.format(scheme="onestack") == "onestack:///"


def repository(folder: Path, ages: dict[int, float], now: float) -> SimpleNamespace:
    for number, age in ages.items():
        key = folder / str(number)
        key.write_text("key")
        os.utime(key, (now - age, now - age))
    return SimpleNamespace(key_repository=str(folder))


def test_keys_are_rotated_once_the_primary_is_a_day_old(tmp_path: Path) -> None:
    now = 1_000_000.0
    day = key_rotation.ROTATE_SECONDS
    # 0 is the staged key; the primary is the one of the highest number.
    young = repository(tmp_path, {0: 5 * day, 9: 5 * day, 10: day - 1}, now)
    assert not key_rotation.due(young, now)
    assert key_rotation.due(young, now + 2)


def test_an_unfinished_key_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "0.tmp").write_text("half a key")
    assert not key_rotation.due(SimpleNamespace(key_repository=str(tmp_path)), 1e12)


@pytest.mark.parametrize(
    ("url", "in_database"),
    [
        ("onestack://", "onestack:///"),
        ("rabbit://nova:p%40@10.0.0.1:5671/", "rabbit://nova:p%40@10.0.0.1:5671/?"),
        ("rabbit://nova:p@10.0.0.1:5671/cloud?ssl=1", "rabbit://nova:p@10.0.0.1:5671/cloud?ssl=1"),
        ("rabbit://nova:p@c1:5671,nova:p@c2:5671/", "rabbit://nova:p@c1:5671,nova:p@c2:5671/?"),
    ],
)
def test_the_bus_of_a_cell_is_filled_in_from_the_configuration(url: str, in_database: str) -> None:
    template = cells.transport_template(url)
    assert "p@" not in template
    parts = urlsplit(url)
    known = {"scheme": parts.scheme, "path": parts.path.lstrip("/"), "query": parts.query}
    for number, each in enumerate(parts.netloc.split(","), 1):
        if each:
            server = urlsplit(f"//{each}")
            for name in ("username", "password", "hostname", "port"):
                # As Nova fills it in: of several servers, with numbers.
                known[name if "," not in parts.netloc else f"{name}{number}"] = getattr(server, name)
    assert template.format(**known) == in_database
