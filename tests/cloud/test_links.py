"""Links that services hand out lead back to where they came from: every page, every version, every `Location`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from cloud import members, pages, two_of_each
from cloud.pages import Listing, Reader
from onestack import Cloud
from onestack.platform import catalogue

pytestmark = pytest.mark.cloud

BALANCING = "v2.0/lbaas"
# Upstream gives no pages of the other lists: it refuses `limit` (placement, identity regions), has no links
# (compute os-server-groups), or hands out links that lead in a circle (identity roles, services, endpoints,
# credentials; network agents of OVN).
LISTINGS = (
    *(Listing("identity", kind, kind) for kind in ("projects", "users", "groups", "domains")),
    Listing("image", "v2/images", "images"),
    *(Listing("network", f"v2.0/{kind}", kind.removeprefix("qos/").replace("-", "_")) for kind in (
        "networks", "subnets", "ports", "routers", "floatingips", "security-groups", "security-group-rules",
        "address-groups", "qos/policies",
    )),
    *(Listing("compute", kind, key) for kind, key in (
        ("servers", "servers"), ("servers/detail?all_tenants=1", "servers"), ("flavors", "flavors"),
        ("flavors/detail", "flavors"),
    )),
    Listing("compute", "os-keypairs", "keypairs", "keypair.name"),
    Listing("compute", "os-hypervisors", "hypervisors", least=1),
    *(Listing("block-storage", kind, kind.partition("/")[0]) for kind in (
        "volumes", "volumes/detail", "snapshots", "snapshots/detail", "backups", "backups/detail",
    )),
    Listing("block-storage", "types", "volume_types", links="volume_type_links"),
    *(Listing("load-balancer", f"{BALANCING}/{kind}", kind) for kind in (
        "loadbalancers", "listeners", "pools", "healthmonitors", "l7policies",
    )),
)  # fmt: skip
ELSEWHERE = "cloud.example.org:8443"


@pytest.fixture(scope="module")
def reader(cloud: Cloud) -> Iterator[Reader]:
    with members.in_network(cloud):
        yield Reader(cloud.connect())


@pytest.fixture(scope="module")
def elsewhere(reader: Reader) -> Reader:
    """A client that knows the gateway by another name, and came through a proxy that ends TLS."""
    return Reader(reader.admin, ELSEWHERE, "https")


@pytest.fixture(scope="module")
def filled(reader: Reader) -> Iterator[Reader]:
    with two_of_each.made(reader.admin):
        yield reader


def read_through(reader: Reader, listing: Listing) -> None:
    whole = reader.whole(listing)
    assert len(whole) >= listing.least, "nothing to turn pages for"
    found = [pages.ids(listing, page) for page in reader.pages(listing)]
    assert max(map(len, found)) == 1
    assert sorted(ident for page in found for ident in page) == sorted(whole)


@pytest.mark.parametrize("listing", LISTINGS, ids=str)
def test_page_by_page_a_list_is_the_whole_list(filled: Reader, elsewhere: Reader, listing: Listing) -> None:
    read_through(filled, listing)
    read_through(elsewhere, listing)


def test_page_by_page_what_a_balancers_parts_hold(filled: Reader) -> None:
    pool = filled.admin.load_balancer.find_pool(two_of_each.NAMES[0], ignore_missing=False).id
    read_through(filled, Listing("load-balancer", f"{BALANCING}/pools/{pool}/members", "members"))
    policy = next(iter(filled.admin.load_balancer.l7_policies())).id
    read_through(filled, Listing("load-balancer", f"{BALANCING}/l7policies/{policy}/rules", "rules"))


@pytest.mark.parametrize("by", ["reader", "elsewhere"])
@pytest.mark.parametrize("listing", [each for each in LISTINGS if "/detail" not in each.path], ids=str)
def test_what_is_listed_is_found_by_its_own_link(
    filled: Reader, by: str, listing: Listing, request: pytest.FixtureRequest
) -> None:
    client: Reader = request.getfixturevalue(by)
    base = client.endpoint(listing.service)
    body = client.get(f"{base}/{listing.path}", listing.service).json()
    root = f"{base.rpartition('/')[0]}/" if listing.service in ("compute", "block-storage") else f"{base}/"
    for relation, link in pages.links(body[listing.key][:2]):
        url = base + link if link.startswith("/") else link
        assert url.startswith(root), (relation, link)
        path = root.split("/")[3]
        assert f"/{path}/{path}/" not in url, f"the service's path twice: {link}"
        if relation == "self":
            assert client.get(url, listing.service).status_code == 200, link


@pytest.mark.parametrize("by", ["reader", "elsewhere"])
def test_documents_of_versions_lead_to_versions(
    cloud: Cloud, by: str, request: pytest.FixtureRequest
) -> None:
    client: Reader = request.getfixturevalue(by)
    for service in catalogue.services(cloud.site.view.cloud.services):
        if not (service.endpoint and service.endpoint.listed):
            continue
        path = f"/{service.endpoint.path}"
        here = urljoin(client.endpoint(service.type), path)
        found = versions(client, here)
        assert found, service.type
        for link in found:
            assert link.startswith(f"{here}/") or link == here, (service.type, link)
            assert path not in link.removeprefix(here), link
            # Glance has no document at its version's own address, and never had.
            assert client.get(link).status_code == (404 if service.type == "image" else 200), link
        assert client.get(f"{here}/").status_code in (200, 300)


def versions(client: Reader, url: str) -> list[str]:
    """The links of a document of versions, with and without a slash after its address."""
    answer = client.get(url)
    assert answer.status_code in (200, 300), (url, answer.text)
    return [urljoin(url, link) for relation, link in pages.links(answer.json()) if relation == "self"]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("by", ["reader", "elsewhere"])
def test_a_location_leads_to_what_was_made(by: str, request: pytest.FixtureRequest) -> None:
    client: Reader = request.getfixturevalue(by)
    image = {"name": "located", "disk_format": "raw", "container_format": "bare"}
    for service, path, body, version in (
        ("image", "v2/images", image, ""),
        ("placement", "resource_providers", {"name": "located"}, "placement 1.10"),
    ):
        base = client.endpoint(service)
        answer = client.post(f"{base}/{path}", body, version)
        assert answer.status_code == 201, answer.text
        made = answer.headers["Location"]
        try:
            assert made.startswith(f"{base}/{path}/"), made
            assert client.get(made).status_code == 200, made
        finally:
            client.delete(f"{base}/{path}/{made.rpartition('/')[2]}")
    for path in ("/image/v2", "/volume/v3"):
        moved = client.get(urljoin(client.endpoint("identity"), path))
        assert (moved.status_code, urlsplit(moved.headers["Location"]).path) == (302, f"{path}/")
        assert moved.headers["Location"].startswith(urljoin(client.endpoint("identity"), path))


def test_a_new_server_is_found_where_the_answer_says(filled: Reader) -> None:
    compute: Any = filled.admin.compute
    server = compute.find_server(two_of_each.NAMES[0], ignore_missing=False)
    body = {"server": {
        "name": "located", "imageRef": server.image.id, "networks": "none",
        "flavorRef": compute.find_flavor(two_of_each.NAMES[0]).id,
    }}  # fmt: skip
    answer = filled.post(f"{filled.endpoint('compute')}/servers", body, "compute 2.60")
    assert answer.status_code == 202, answer.text
    found = filled.get(answer.headers["Location"])
    made = compute.get_server(answer.json()["server"]["id"])
    compute.delete_server(made)
    compute.wait_for_delete(made)
    assert found.json()["server"]["name"] == "located"
