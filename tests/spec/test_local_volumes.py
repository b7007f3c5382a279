"""Volumes that one of several hosts stores: which they are, and what is refused because of them."""

from __future__ import annotations

import pytest

from onestack import capacity, spec
from onestack.capacity.model import Host, Inventory
from onestack.core import contract
from onestack.spec import BadSpec, Spec, local_volumes
from onestack.workloads.operations import stored_elsewhere
from onestack.workloads.plan import Plan, Ref, Wanted
from onestack.workloads.plan.model import Change
from onestack.workloads.plan.values import Address
from onestack.workloads.wanted import wanted

HOSTS = """\
hosts:
  - {name: c1, address: 192.0.2.11, roles: [control, network, compute], zone: a}
  - {name: n1, address: 192.0.2.21, roles: [compute], zone: b}
"""
CEPH = """\
platform:
  volumes: {backends: [{name: pool, driver: rbd}, {name: files}]}
"""
TENANT = """\
volume_types: [{name: gold, extra_specs: {volume_backend_name: files}}]
tenants:
  - name: shop
    volumes:
      - {name: plain, size: 1}
      - {name: typed, size: 1, type: files}
      - {name: clone, size: 1, source: typed}
      - {name: copy, size: 1, snapshot: before}
      - {name: golden, size: 1, type: gold}
      - {name: system, size: 1, image: tiny}
    snapshots: [{name: before, volume: clone}]
    servers:
      - {name: one, flavor: m1.nano, image: tiny, volumes: [VOLUME]}
"""


def text(first: str = "") -> str:
    return first + HOSTS + TENANT.replace("VOLUME", "plain")


def made(whole: str) -> Spec:
    return spec.loads(whole, "cloud.yaml")


def host_of(whole: str, volume: str) -> str:
    found = made(whole)
    return found.volume_host(found.tenants[0], volume)


@pytest.mark.parametrize(
    ("volume", "host"),
    [("plain", ""), ("typed", "c1"), ("clone", "c1"), ("copy", "c1"), ("golden", "c1")],
)
def test_a_volumes_place_is_its_types_or_its_origins(volume: str, host: str) -> None:
    assert host_of(text(first=CEPH), volume) == host


def test_files_are_the_control_hosts_where_there_are_several() -> None:
    plain = text().replace("type: files", "type: file").replace("_name: files", "_name: file")
    assert host_of(plain, "plain") == "c1"
    assert host_of(plain[plain.index("volume_types") :], "plain") == ""
    assert host_of("platform: {compute: {driver: fake}}\n" + plain, "plain") == ""


def refused(whole: str) -> tuple[str, str]:
    with pytest.raises(BadSpec) as raised:
        made(whole)
    (one,) = raised.value.diagnostics
    return one.summary, f"{one.place}"


FILES = text().replace("type: files", "type: file").replace("_name: files", "_name: file")


@pytest.mark.parametrize(
    ("extra", "summary"),
    [
        ("host: n1", "a server on n1 cannot use its volumes: the volume 'plain' is stored on c1"),
        ("zone: b", "a server in the zone 'b' cannot use its volumes: the volume 'plain' is stored on c1"),
    ],
)
def test_a_server_that_can_never_be_there_is_refused_with_its_line(extra: str, summary: str) -> None:
    said, place = refused(FILES.replace("image: tiny, volumes", f"image: tiny, {extra}, volumes"))
    assert said == summary
    assert place.startswith("cloud.yaml:16:")


def test_a_boot_volume_counts_too() -> None:
    whole = FILES.replace("image: tiny, volumes: [plain]", "boot_volume: system, host: n1")
    assert refused(whole)[0] == "a server on n1 cannot use its volumes: the volume 'system' is stored on c1"


@pytest.mark.parametrize("extra", ["host: c1", "zone: a", "zone: elsewhere"])
def test_what_may_be_there_is_not_refused(extra: str) -> None:
    made(FILES.replace("image: tiny, volumes", f"image: tiny, {extra}, volumes"))


def test_a_control_host_without_guests_stores_volumes_for_nobody() -> None:
    said, _ = refused(FILES.replace("[control, network, compute]", "[control, network]"))
    assert said == "the volume 'plain' is stored on c1, which runs no guests: no server can use it"


def server(whole: str) -> Wanted:
    return next(each for each in wanted(made(whole)) if each.address == Address("server", ("shop", "one")))


def test_the_scheduler_is_told_of_volumes_that_are_attached_later() -> None:
    assert server(FILES).create_only[contract.VOLUME_HINT] == Ref(Address("volume", ("shop", "plain")))
    alone = FILES[FILES.index("volume_types") :]
    assert contract.VOLUME_HINT not in server(alone).create_only
    assert contract.VOLUME_HINT not in server(text(first=CEPH)).create_only


def test_attachments_to_servers_that_exist_are_looked_up() -> None:
    listed = {each.address: each for each in wanted(made(FILES))}
    there, volume = Address("server", ("shop", "one")), Address("volume", ("shop", "plain"))
    attachment = listed[Address("volume attachment", ("shop", "one", "plain"))]
    attach = Change("create", attachment.address, wanted=attachment)
    present = {there: "server's id", volume: "volume's id"}
    (found,) = stored_elsewhere(made(FILES), Plan([attach], present=present))
    assert found[1:] == ("plain", there, "server's id", "c1")
    for changes, known in (
        ([attach], {volume: "volume's id"}),
        ([attach, Change("replace", there, wanted=listed[there])], present),
    ):
        assert not list(stored_elsewhere(made(FILES), Plan(changes, present=known)))


def test_capacity_reckons_with_the_host_that_stores_them() -> None:
    large = FILES.replace("flavor: m1.nano", "flavor: m1.huge").replace(
        "volume_types", "flavors: [{name: m1.huge, vcpus: 8, ram: 4096, disk: 1}]\nvolume_types"
    )

    def host(name: str, vcpus: int) -> Host:
        return Host(name, (Inventory(vcpus), Inventory(8192), Inventory(100)), "")

    def verdict(*hosts: Host) -> str:
        return capacity.check(made(large), hosts).verdict

    assert verdict(host("c1", 8), host("n1", 2)) == "fits"
    assert verdict(host("c1", 2), host("n1", 8)) == "cannot fit"
    # Other hosts than the spec's: how many of a size would do?
    assert verdict(host("host-1", 2), host("host-2", 8)) == "fits"


def test_where_nothing_is_stored_on_one_host_nothing_is_asked() -> None:
    found = made(FILES[FILES.index("volume_types") :])
    assert local_volumes.of_server(found, found.tenants[0], found.tenants[0].servers[0]) == ("", "")
