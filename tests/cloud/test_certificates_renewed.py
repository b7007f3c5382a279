"""The API gateway takes another certificate while it serves: no request fails, and it is not started anew."""

from __future__ import annotations

import json
import ssl
import threading

import pytest
import requests

from cloud import health
from cloud.command import succeed
from onestack import Cloud
from onestack.core.wait import until
from onestack.health.securing import renewal
from onestack.platform import expiry, tls

pytestmark = pytest.mark.cloud

RENEWALS = 50


class Client:
    """Opens a connection for each request, and verifies what is shown by the cloud's CA."""

    def __init__(self, cloud: Cloud) -> None:
        self._url = f"{cloud.site.gateway}/identity/v3"
        self._ca = str(cloud.site.leader.outside("/etc/onestack/tls/bundle.pem"))
        self.answers: list[int] = []
        self.failed: list[str] = []
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self.answers.append(requests.get(self._url, verify=self._ca, timeout=30).status_code)
            except requests.RequestException as error:
                self.failed.append(str(error))

    def wait(self) -> None:
        """Until a request that is sent from now on has ended: the second one that ends."""
        before = len(self.answers) + len(self.failed)

        def look() -> tuple[bool, str]:
            new = len(self.answers) + len(self.failed) - before
            return new > 1, f"{new} requests"

        until("the client's next request", look, seconds=60, every=0.01)

    def end(self) -> None:
        self._ended.set()


def serial(cloud: Cloud) -> str:
    """Of the certificate that the API gateway shows."""
    listen = cloud.site.spec.listen

    def shown() -> str:
        return ssl.get_server_certificate((str(listen.address), listen.port))

    return cloud.run(shown)


def test_fifty_renewals_lose_no_request(varied: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    health.wait_healthy(varied)
    before = health.pids(varied)
    client = Client(varied)
    thread = threading.Thread(target=lambda: varied.run(client.run))
    thread.start()
    seen = {serial(varied)}
    # Each looks as if it had an hour left: what the keeper does then.
    monkeypatch.setattr(tls, "RENEW_DAYS", tls.DAYS + 1)
    try:
        for _ in range(RENEWALS):
            assert renewal.due(varied.site) == [expiry.API_GATEWAY]
            seen.add(serial(varied))
            client.wait()
    finally:
        client.end()
        thread.join(60)
    assert len(seen) == RENEWALS + 1
    assert client.failed == []
    assert {*client.answers} == {200}
    assert len(client.answers) > RENEWALS
    assert health.pids(varied) == before


def test_the_command_renews_and_up_starts_nothing_anew(varied: Cloud) -> None:
    before, pids = serial(varied), health.pids(varied)
    found = json.loads(succeed(varied.paths.root, "certificates renew", "--json").splitlines()[-1])
    assert {"ca", "api-gateway"} <= {each["name"] for each in found}
    assert all(each["days"] > 300 and each["renewed_by"] == "onestack" for each in found)
    assert (after := serial(varied)) != before
    assert "api-gateway" in succeed(varied.paths.root, "certificates list")
    succeed(varied.paths.root, "up")
    assert serial(varied) == after
    assert health.pids(varied) == pids


def test_the_keeper_leaves_a_good_one_alone(varied: Cloud) -> None:
    assert renewal.due(varied.site) == []
