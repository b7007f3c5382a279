"""Clients of all ages find every service in the catalogue: by its type, and by the types it was called before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import os_service_types
import pytest
from keystoneauth1.adapter import Adapter
from openstack.connection import Connection

from cloud.command import succeed
from onestack import Cloud
from onestack.platform import catalogue
from onestack.platform.services import _common as common

pytestmark = pytest.mark.cloud

AUTHORITY = os_service_types.ServiceTypes()
VERSIONED = "volumev2"
"""keystoneauth takes the number for the version that is wanted, and this is v3. A plain look finds it."""
OLD = ("block-storage", *(name for name in AUTHORITY.get_aliases("block-storage") if name != VERSIONED))
AsAdmin = Callable[[Callable[[Connection], Any]], Any]

# In the release's environment: what it is told comes by standard input, and so does no password by the command line.
CINDERCLIENT = """\
import json, sys
from cinderclient import client
from keystoneauth1 import session
from keystoneauth1.identity import v3
told = json.load(sys.stdin)
auth = v3.Password(**told["auth"])
shared = session.Session(auth=auth, verify=told["verify"])
for name in told["types"]:
    found = client.Client("3", session=shared, **({"service_type": name} if name else {}))
    print(name or "default", [each.name for each in found.volume_types.list()])
"""


def types(cloud: Cloud) -> list[tuple[str, str]]:
    """(a type by which a client may ask, the type proper) of all that the cloud lists."""
    services = [each for each in catalogue.services(cloud.site.view.cloud.services) if each.endpoint]
    return [
        (name, each.type)
        for each in services
        if each.endpoint and each.endpoint.listed
        for name in (each.type, *AUTHORITY.get_aliases(each.type))
    ]


def test_a_plain_look_into_the_catalogue_finds_every_type(cloud: Cloud, as_admin: AsAdmin) -> None:
    def look(admin: Connection) -> tuple[list[dict[str, Any]], dict[str, int]]:
        token = admin.session.get("/v3/auth/tokens", endpoint_filter={"service_type": "identity"},
                                  headers={"X-Subject-Token": admin.auth_token or ""},
                                  endpoint_override=f"{cloud.site.gateway}/identity").json()["token"]  # fmt: skip
        entries = token["catalog"]
        return entries, {
            entry["type"]: admin.session.get(entry["endpoints"][0]["url"], raise_exc=False).status_code
            for entry in entries
        }

    entries, answers = as_admin(look)
    urls = {
        entry["type"]: {each["interface"]: each["url"] for each in entry["endpoints"]} for entry in entries
    }
    assert len({entry["name"] for entry in entries}) == len(entries), "a name finds one service"
    for name, proper in types(cloud):
        assert set(urls[name]) == {"public", "internal", "admin"}
        assert urls[name] == urls[proper]
    assert not [name for name, status in answers.items() if status == 404 or status >= 500], answers


def test_openstacksdk_and_keystoneauth_find_every_type(cloud: Cloud, as_admin: AsAdmin) -> None:
    def look(admin: Connection) -> None:
        for name, proper in types(cloud):
            if name == VERSIONED:
                continue
            found = Adapter(admin.session, service_type=name, interface="public").get_endpoint()
            assert found == admin.session.get_endpoint(service_type=proper, interface="public"), name
        assert [each.name for each in admin.block_storage.types()]
        for name in OLD:
            old = Adapter(admin.session, service_type=name, interface="public")
            assert old.get("/types").json()["volume_types"], name

    as_admin(look)


def test_cinders_own_client_finds_it_by_every_type(cloud: Cloud) -> None:
    variables = cloud.environment()
    auth = {
        "auth_url": variables["OS_AUTH_URL"],
        "username": variables["OS_USERNAME"],
        "password": variables["OS_PASSWORD"],
        "project_name": variables["OS_PROJECT_NAME"],
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    names = ["", *OLD]
    told = {"auth": auth, "verify": cloud.site.ca_file or True, "types": names}
    said = cloud.site.leader.inside(
        ["env", *(f"{name}={value}" for name, value in common.environment().items()), "python3", "-W",
         "ignore", "-c", CINDERCLIENT],
        text_in=json.dumps(told), seconds=120,
    )  # fmt: skip
    lists = [line.partition(" ")[2] for line in said.splitlines()]
    assert len(lists) == len(names), said
    assert len(set(lists)) == 1, said
    assert "file" in lists[0]


def test_openstacks_own_command_line_lists_volumes_and_one_service_by_its_name(cloud: Cloud) -> None:
    root = cloud.paths.root
    found = json.loads(succeed(root, "exec", "openstack", "volume", "type", "list", "-f", "json"))
    assert found
    shown = json.loads(succeed(root, "exec", "openstack", "service", "show", "cinder", "-f", "json"))
    assert shown["type"] == "block-storage"


def test_the_cloud_itself_speaks_of_each_service_once(cloud: Cloud) -> None:
    proper = {each for _, each in types(cloud)}
    told = json.loads(succeed(cloud.paths.root, "up", "--json").splitlines()[-1])
    assert set(told["endpoints"]) == proper
