"""A view of a cloud whose every secret can be told from everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onestack.platform import catalogue
from onestack.platform.services import CATALOGUE
from onestack.platform.view import CloudView, External, HostView, View

SECRETS = {name: f"secret-of-{name.replace('/', '-')}" for name in catalogue.secret_names(CATALOGUE)}


@pytest.fixture
def view() -> View:
    cloud = CloudView(
        series="2026.2",
        leader="node1",
        gateway="https://cloud.example:8443",
        services=frozenset(CATALOGUE),
        secrets=SECRETS,
        external=External("172.24.4.0/24", "172.24.4.1", "172.24.4.10", "172.24.4.200"),
        ca_file="/etc/onestack/ca.pem",
    )
    return View(cloud, HostView("node1", "127.0.0.1", "qemu", "netdev"))


@pytest.fixture
def fake_view(view: View) -> View:
    return View(replace(view.cloud, fake_hosts=7), replace(view.here, virt_type="fake"))
