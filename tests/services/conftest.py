"""A view of a cloud whose every secret can be told from everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onestack.platform import catalogue
from onestack.platform.services import CATALOGUE
from onestack.platform.shape import External, View

SECRETS = {name: f"secret-of-{name.replace('/', '-')}" for name in catalogue.secret_names(CATALOGUE)}


@pytest.fixture
def view() -> View:
    return View(
        series="2026.2",
        host="node1",
        address="127.0.0.1",
        front="https://cloud.example:8443",
        services=frozenset(CATALOGUE),
        secrets=SECRETS,
        virt_type="qemu",
        fake_hosts=0,
        datapath="netdev",
        external=External("172.24.4.0/24", "172.24.4.1", "172.24.4.10", "172.24.4.200"),
        ca_file="/etc/onestack/ca.pem",
    )


@pytest.fixture
def fake_view(view: View) -> View:
    return replace(view, virt_type="fake", fake_hosts=7)
