"""Volumes are files of the control host: servers that need one are placed there, and refused it elsewhere at once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from cluster.cloud import onestack
from cluster.host import Host

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

STORED = "stored on the host c1: only servers of that host can use it"


def openstack(cloud: Host, *words: str, check: bool = True) -> str:
    return onestack(cloud, "exec", "openstack", *words, check=check).strip()


def create(cloud: Host, name: str, *more: str, check: bool = True) -> str:
    """A server without a network; what the client said."""
    words = ("--os-compute-api-version", "2.93", "server", "create", "--flavor", "m1.nano", "--nic", "none")
    return openstack(cloud, *words, *more, "--wait", "-f", "value", "-c", "id", name, check=check)


def show(cloud: Host, name: str) -> dict[str, str]:
    found = json.loads(openstack(cloud, "server", "show", name, "-f", "json"))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def volumes(cloud: Host) -> Iterator[dict[str, str]]:
    """An empty volume and a bootable one, by name; with all servers they go away again."""
    found = {}
    for name, more in {"data": (), "system": ("--image", "tiny")}.items():
        words = ("volume", "create", name, "--size", "1", *more, "-f", "value", "-c", "id")
        found[name] = openstack(cloud, *words)
    yield found
    names = openstack(cloud, "server", "list", "-f", "value", "-c", "Name").split()
    if names:
        openstack(cloud, "server", "delete", *names, "--wait")
    openstack(cloud, "volume", "delete", *found)


def test_it_goes_where_the_volume_is_that_it_boots_from_or_will_get(
    cloud: Host, volumes: dict[str, str]
) -> None:
    create(cloud, "boots", "--volume", volumes["system"])
    create(cloud, "waits", "--image", "tiny", "--hint", f"local_to_volume={volumes['data']}")
    for name in ("boots", "waits"):
        assert show(cloud, name)["OS-EXT-SRV-ATTR:host"] == "c1"
    openstack(cloud, "server", "add", "volume", "waits", "data")
    openstack(cloud, "server", "delete", "boots", "waits", "--wait")


def test_elsewhere_the_api_names_the_host_and_what_to_do(cloud: Host, volumes: dict[str, str]) -> None:
    create(cloud, "elsewhere", "--image", "tiny", "--host", "n1")
    assert show(cloud, "elsewhere")["OS-EXT-SRV-ATTR:host"] == "n1"
    said = openstack(cloud, "server", "add", "volume", "elsewhere", "data", check=False)
    assert STORED in said and "this one is on n1" in said and "local_to_volume" in said
    why = onestack(cloud, "why", "volume", "data", "--server", "elsewhere", check=False)
    assert "it is stored on the host 'c1', and the server runs on 'n1'" in " ".join(why.split())
    create(cloud, "refused", "--volume", volumes["system"], "--host", "n1", check=False)
    found = show(cloud, "refused")
    assert found["status"] == "ERROR"
    assert STORED in str(found["fault"]) and "Make room on c1" in str(found["fault"])
    why = onestack(cloud, "why", "server", "refused", check=False)
    assert "the server uses a volume that is stored on 'c1'" in " ".join(why.split())
    openstack(cloud, "server", "delete", "elsewhere", "refused", "--wait")
