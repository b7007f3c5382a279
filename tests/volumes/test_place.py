"""A volume that is a file of one host is refused on another, before anything is done."""

from __future__ import annotations

import socket

import pytest

from onestack_runtime import contract
from onestack_runtime.drivers.volumes import place


@pytest.mark.parametrize("host", ["c1", socket.gethostname(), "fake-7"])
def test_it_is_attached_on_its_host_by_cinder_itself_and_on_fake_hosts(host: str) -> None:
    assert place.refusal("c1", {"host": host}) == ""


def test_a_connector_that_names_no_host_is_its_own() -> None:
    assert place.refusal("c1", {}) == place.refusal("c1", {"host": None}) == ""


def test_on_another_host_both_are_named_and_what_to_do() -> None:
    said = place.refusal("c1", {"host": "n1"})
    assert "stored on the host c1" in said
    assert "this one is on n1" in said
    assert "local_to_volume=VOLUME, move it to c1 (as administrator), or use a volume type" in said


def test_backends_and_their_hosts_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(contract.VOLUME_HOSTS, raising=False)
    assert place.hosts() == {}
    monkeypatch.setenv(contract.VOLUME_HOSTS, "pool=,files=c1")
    assert list(place.hosts().items()) == [("pool", ""), ("files", "c1")]
