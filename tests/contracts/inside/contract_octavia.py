"""Octavia: the driver agent, the names of providers, and the clients of Neutron."""

from __future__ import annotations

from onestack_runtime.serving import threads

threads.native()

import json  # noqa: E402
import os  # noqa: E402
import socket  # noqa: E402
import threading  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402
from keystoneauth1 import session  # noqa: E402
from keystoneauth1.identity import v3  # noqa: E402
from octavia.api.drivers import driver_factory  # noqa: E402
from octavia.api.drivers.driver_agent import driver_listener  # noqa: E402
from octavia.common import clients, exceptions, keystone  # noqa: E402
from octavia_lib.api.drivers.exceptions import DriverError  # noqa: E402
from openstack import exceptions as sdk_exceptions  # noqa: E402
from oslo_config import cfg  # noqa: E402
from ovn_octavia_provider.common import clients as ovn_clients  # noqa: E402
from wsme import types as wtypes  # noqa: E402

from onestack_runtime.replacements.octavia import NoVersion  # noqa: E402

ENTRIES = ("driver-agent-threads", "provider-names", "network-clients")


def test_upstream_source_is_unchanged(entry_name: str, source_changes: Any) -> None:
    assert source_changes(entry_name) == ""


def request(socket_path: Path, body: Any) -> Any:
    """Sends a request as octavia-lib does: a line with the length, then JSON. The response has the same format."""
    text = json.dumps(body).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(30)
        client.connect(str(socket_path))
        client.sendall(f"{len(text)}\n".encode() + text)
        response = b""
        while chunk := client.recv(65536):
            response += chunk
    size, _, content = response.partition(b"\n")
    assert len(content) == int(size)
    return json.loads(content)


@pytest.mark.replaces("driver-agent-threads")
def test_the_responses_are_the_same_and_come_from_this_process(
    both: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Updater:
        def update_loadbalancer_status(self, status: Any) -> Any:
            return {"status_code": 200, "pid": os.getpid(), "status": status}

    monkeypatch.setattr(driver_listener.driver_updater, "DriverUpdater", Updater)
    responses = []
    for number, server_class in enumerate(both.functions):
        socket_path = tmp_path / str(number)
        server = server_class(str(socket_path), driver_listener.StatusRequestHandler)
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        responses.append([request(socket_path, {"loadbalancers": [{"id": str(each)}]}) for each in range(3)])
        server.shutdown()
        server.server_close()
    upstream, ours = ([{**each, "pid": None} for each in of_server] for of_server in responses)
    assert upstream == ours
    assert all(each["pid"] == os.getpid() for each in responses[1])
    assert all(each["pid"] != os.getpid() for each in responses[0]), (
        "upstream no longer forks: remove the entry"
    )


@pytest.mark.replaces("provider-names")
@pytest.mark.parametrize("enabled", [("haproxy", "amphora", "octavia"), ("haproxy",), ("ovn",)])
def test_upstreams_provider_names_load_our_driver_if_they_are_enabled(
    enabled: tuple[str, ...], both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from octavia.common import config  # noqa: F401 - its options

    class Driver:
        name = ""

    loaded: list[str] = []

    class Manager:
        def __init__(self, namespace: str, name: str, invoke_on_load: bool) -> None:
            loaded.append(name)
            self.driver = Driver()

    monkeypatch.setattr(driver_factory.stevedore_driver, "DriverManager", Manager)
    cfg.CONF.set_override(
        "enabled_provider_drivers", dict.fromkeys(enabled, "description"), group="api_settings"
    )
    cfg.CONF.set_override("default_provider_driver", enabled[0], group="api_settings")
    results: list[list[Any]] = []
    for get_driver in both.functions:
        outcomes: list[Any] = []
        for provider in ("haproxy", "amphora", "octavia", "ovn", "nonsense", None, wtypes.Unset):
            loaded.clear()
            try:
                outcomes.append((get_driver(provider).name, tuple(loaded)))
            except exceptions.ProviderNotEnabled:
                outcomes.append("not enabled")
        results.append(outcomes)
    upstream, ours = results
    if "amphora" in enabled:
        assert ours[:3] == [(name, ("haproxy",)) for name in ("haproxy", "amphora", "octavia")]
        assert ours[3:] == upstream[3:]
    else:
        assert ours == upstream


class Gateway(BaseHTTPRequestHandler):
    """An API gateway with Keystone behind it, and with Neutron if it is up."""

    neutron_is_up = False

    def do_POST(self) -> None:
        reference = {"id": "some", "name": "some", "domain": {"id": "default", "name": "Default"}}
        token = {"methods": ["password"], "user": reference, "project": reference, "roles": [], "catalog": []}
        token["issued_at"], token["expires_at"] = "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(201, {"token": token})

    def do_GET(self) -> None:
        endpoint = f"http://{self.headers['Host']}/networking"
        version = {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": f"{endpoint}/v2.0/"}]}
        if not self.neutron_is_up:
            self._answer(503, {})
        elif self.path.rstrip("/") == "/networking":
            self._answer(200, {"versions": [version]})
        elif self.path == "/networking/v2.0/networks":
            self._answer(200, {"networks": [{"id": "of a tenant"}]})
        else:
            self._answer(404, {})

    def _answer(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-Subject-Token", "token")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """No log."""


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a running Gateway, which both clients are configured with. Neutron is down at first."""
    Gateway.neutron_is_up = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    auth = v3.Password(f"{url}/identity/v3", username="octavia", password="secret", project_name="service")
    monkeypatch.setattr(keystone.KeystoneSession, "get_session", lambda self: session.Session(auth=auth))
    monkeypatch.setattr(ovn_clients.KeystoneSession, "session", session.Session(auth=auth))
    monkeypatch.setattr(clients.NeutronAuth, "neutron_client", None)
    monkeypatch.setattr(ovn_clients.Singleton, "_instances", {})
    cfg.CONF.set_override("endpoint_override", f"{url}/networking", group="neutron")
    yield url
    cfg.CONF.clear_override("endpoint_override", group="neutron")
    server.shutdown()
    server.server_close()


def client_getters() -> list[Callable[[], Any]]:
    """The functions by which Octavia and its OVN provider get a client for Neutron."""
    return [lambda: clients.NeutronAuth.get_neutron_client().network, ovn_clients.get_neutron_client]


@pytest.mark.replaces("network-clients")
@pytest.mark.parametrize(("index", "error"), [(0, NoVersion), (1, DriverError)], ids=["octavia", "ovn"])
def test_a_client_created_while_neutron_was_down_is_not_cached(
    index: int, error: type[Exception], gateway: str, installed: Any
) -> None:
    get_client = client_getters()[index]
    with pytest.raises(error):
        get_client()
    Gateway.neutron_is_up = True
    assert [each.id for each in get_client().networks()] == ["of a tenant"]
    assert get_client() is get_client()


@pytest.mark.replaces("network-clients")
@pytest.mark.parametrize("index", [0, 1], ids=["octavia", "ovn"])
def test_upstream_still_caches_it(index: int, gateway: str) -> None:
    get_client = client_getters()[index]
    get_client()
    Gateway.neutron_is_up = True
    with pytest.raises(sdk_exceptions.NotFoundException):
        list(get_client().networks())
