"""OpenStack finds what is in the runtime by the names under which the runtime registers it."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

from oslo_messaging._drivers.base import BaseDriver

from onestack_runtime import contract

RUNTIME = Path(__file__).parents[2] / "runtime"
POINTS = tomllib.loads((RUNTIME / "pyproject.toml").read_text())["project"]["entry-points"]


def test_the_runtime_registers_the_driver_of_the_transport() -> None:
    drivers = POINTS["oslo.messaging.drivers"]
    driver = EntryPoint(contract.BUS, drivers[contract.BUS], "oslo.messaging.drivers").load()
    assert issubclass(driver, BaseDriver)


def test_the_names_that_configuration_says_are_those_that_are_registered() -> None:
    assert {group: list(points) for group, points in POINTS.items()} == {
        "oslo.messaging.drivers": [contract.BUS],
        "neutron.ml2.mechanism_drivers": [contract.FAKE_MECHANISM_DRIVER],
        "octavia.api.drivers": [contract.BALANCER_PROVIDER],
        "octavia.cert_manager": [contract.CERTIFICATE_MANAGER],
    }
