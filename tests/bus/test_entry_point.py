"""`transport_url = onestack://` finds our driver by the name under which the runtime registers it."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

from oslo_messaging._drivers.base import BaseDriver

RUNTIME = Path(__file__).parents[2] / "runtime"


def test_the_runtime_registers_the_driver() -> None:
    project = tomllib.loads((RUNTIME / "pyproject.toml").read_text())["project"]
    drivers = project["entry-points"]["oslo.messaging.drivers"]
    driver = EntryPoint("onestack", drivers["onestack"], "oslo.messaging.drivers").load()
    assert issubclass(driver, BaseDriver)
