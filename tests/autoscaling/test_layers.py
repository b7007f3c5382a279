"""The room's modules stand in several layers: each must be in one, or import-linter would not hold it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from pkgutil import iter_modules

from onestack import autoscaling

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_every_module_of_the_room_has_its_layer() -> None:
    contracts = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"]
    rows = [row for each in contracts if each["type"] == "layers" for row in each["layers"]]
    listed = {name for row in rows for name in row.split(" | ")}
    there = {f"{autoscaling.__name__}.{each.name}" for each in iter_modules(autoscaling.__path__)}
    assert there == {name for name in listed if name.startswith(f"{autoscaling.__name__}.")}
