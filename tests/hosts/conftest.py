"""A cloud of one control host and two compute hosts, seen from each of them. Nobody brings it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bringup.conftest import make
from onestack.platform import catalogue, layout
from onestack.platform.services import CATALOGUE
from onestack.platform.view import CloudView, External, HostView, View
from services.views import with_cloud

ROLES = {
    "c1": frozenset({"control", "network", "compute"}),
    "n1": frozenset({"compute"}),
    "n2": frozenset({"compute"}),
}
Views = Mapping[str, View]

__all__ = ["make"]


def views(roles: Mapping[str, frozenset[str]] = ROLES) -> Views:
    """By host; the first one leads."""
    hosts = [
        HostView(name, f"192.0.2.{number}", "kvm", "system", chosen)  # type: ignore[arg-type]
        for number, (name, chosen) in enumerate(roles.items(), 11)
    ]
    leader = hosts[0]
    names = catalogue.secret_names(CATALOGUE, hosts)
    cloud = CloudView(
        series="2026.2",
        leader=leader.name,
        gateway=f"https://{leader.address}:8443",
        services=frozenset(CATALOGUE),
        secrets={name: f"secret-of-{name.replace('/', '-')}" for name in names},
        external=External("198.51.100.0/24", "198.51.100.1", "198.51.100.50", "198.51.100.99"),
        ca_file="/etc/onestack/tls/bundle.pem",
        endpoints=catalogue.endpoints(CATALOGUE),
        binds=(f"{leader.address}:8443 ssl crt api-gateway.pem",),
    )
    return {each.here.name: each for each in layout.views(View(cloud, leader, tuple(hosts[1:])))}


THREE = frozenset({"control", "network", "compute"})
THREE_CONTROL_HOSTS = {**dict.fromkeys(("c1", "c2", "c3"), THREE), "n1": frozenset({"compute"})}
ADDRESS = "192.0.2.10"


def replicated() -> Views:
    """A cloud of three control hosts and a compute host."""
    return {
        name: with_cloud(
            each,
            address=ADDRESS,
            gateway=f"https://{ADDRESS}:8443",
            binds=(f"{ADDRESS}:8443 transparent ssl crt api-gateway.pem",),
        )
        for name, each in views(THREE_CONTROL_HOSTS).items()
    }


def with_its_secrets(view: View) -> View:
    """As the host itself has it: without the secrets that it does not get."""
    kept = layout.secret_names(view)
    secrets = {name: value for name, value in view.cloud.secrets.items() if name in kept}
    return replace(view, cloud=replace(view.cloud, secrets=secrets))


@pytest.fixture
def hosts() -> Views:
    return {name: with_its_secrets(view) for name, view in views().items()}
