"""What a right spec means: defaults, what is derived, what is completed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from onestack import spec
from onestack.core.errors import BadInput, Place
from onestack.spec import services
from onestack.spec.external import nic, place_of_nic

ALL = ("identity", "image", "network", "placement", "block-storage", "compute", "dashboard", "load-balancer")
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def external(text: str) -> spec.External:
    return spec.loads(f"platform: {{network: {{external: {{{text}}}}}}}").platform.network.external


def listen(text: str) -> spec.Listen:
    return spec.loads(f"platform: {{listen: {{{text}}}}}").platform.listen


def test_the_default_cloud() -> None:
    wanted = spec.default()
    assert wanted.name == "onestack"
    assert wanted.platform.release == "2026.2"
    assert wanted.platform.services == ALL
    assert wanted.platform.listen.url == "http://127.0.0.1:8080"
    assert wanted.platform.network.external.cidr == IPv4Network("172.24.4.0/24")
    assert wanted.platform.compute.fake_hosts == 0


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_right(path: Path) -> None:
    assert spec.load(path).file == str(path)


def test_the_default_example_is_the_default() -> None:
    path = next(path for path in EXAMPLES if path.name == "default.yaml")
    assert spec.load(path) == spec.default()


def test_a_number_where_text_is_wanted_is_taken_as_written() -> None:
    assert spec.loads("platform: {release: 2026.2}").platform.release == "2026.2"
    assert spec.loads("name: 007").name == "007"


def test_anchors_and_merges() -> None:
    text = "platform:\n  listen: &l {port: 81}\n  network: {mtu: 1400}\n"
    assert spec.loads(text).platform.listen.port == 81
    merged = "platform:\n  compute: {<<: {driver: fake, hosts: 3}, hosts: 4}\n"
    assert spec.loads(merged).platform.compute.fake_hosts == 4


def test_a_router_outside_leaves_nat_to_itself() -> None:
    given = external("interface: eth1, router: outside")
    assert (given.routed_outside, given.translated) == (True, False)
    assert external("interface: eth1, router: outside, nat: false").routed_outside
    assert not external("interface: eth1").routed_outside


def test_a_host_may_call_its_nic_otherwise() -> None:
    wanted = spec.loads(
        "platform: {network: {external: {interface: eth1, router: outside}}}\n"
        "hosts:\n"
        "- {name: a, address: 192.0.2.1}\n"
        "- {name: b, address: 192.0.2.2, roles: [network, compute], external: eth2}\n"
        "- {name: c, address: 192.0.2.3, roles: [compute]}\n"
    )
    assert [nic(wanted, name) for name in ("a", "b", "c")] == ["eth1", "eth2", None]
    assert place_of_nic(wanted, "b") == ("hosts", 1, "external")
    assert place_of_nic(wanted, "a") == ("platform", "network", "external", "interface")
    assert nic(spec.default(), None) is None


def test_external_network_is_derived_from_its_addresses() -> None:
    given = external("cidr: 10.1.0.0/16")
    assert given.gateway == IPv4Address("10.1.0.1")
    assert given.pool == (IPv4Address("10.1.0.2"), IPv4Address("10.1.255.254"))


def test_pool_is_the_larger_side_of_the_gateway() -> None:
    assert external("cidr: 10.0.0.0/24, gateway: 10.0.0.254").pool == (
        IPv4Address("10.0.0.1"),
        IPv4Address("10.0.0.253"),
    )
    assert external("cidr: 10.0.0.0/24, gateway: 10.0.0.50").pool[0] == IPv4Address("10.0.0.51")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("port: 9000", "http://127.0.0.1:9000"),
        ("tls: true", "https://127.0.0.1:8080"),
        ("address: 192.0.2.1", "https://192.0.2.1:8080"),
        ("address: '::1'", "http://[::1]:8080"),
        ("address: '2001:db8::1', port: 443", "https://[2001:db8::1]:443"),
        ("address: 192.0.2.1, name: cloud.example.org", "https://cloud.example.org:8080"),
        ("certificate: /c.pem, key: /k.pem", "https://127.0.0.1:8080"),
    ],
)
def test_url_and_tls(text: str, url: str) -> None:
    assert listen(text).url == url
    assert listen(text).encrypted == url.startswith("https")


def test_fake_hypervisors_are_one_unless_counted() -> None:
    assert spec.loads("platform: {compute: {driver: fake}}").platform.compute.fake_hosts == 1
    assert spec.loads("platform: {compute: {driver: fake, hosts: 500}}").platform.compute.fake_hosts == 500


def test_services_are_completed_with_what_they_need_and_it_is_said() -> None:
    wanted = spec.loads("platform:\n  services: [nova]\n", "cloud.yaml")
    assert wanted.platform.services == ("identity", "image", "network", "placement", "compute")
    notes = wanted.notes()
    assert [note.summary.split()[0] for note in notes] == ["identity", "image", "network", "placement"]
    assert "compute cannot work without it" in notes[3].summary
    assert {note.severity for note in notes} == {"note"}
    assert notes[0].place == Place("cloud.yaml", 2, 13)


def test_nothing_is_said_when_nothing_was_added() -> None:
    assert spec.default().notes() == []
    assert spec.loads("platform: {exclude: [compute]}").notes() == []


def test_services_can_be_left_out() -> None:
    assert spec.loads("platform: {exclude: [cinder]}").platform.services == tuple(
        each for each in ALL if each != "block-storage"
    )
    assert spec.loads("platform: {exclude: [compute, cinder, image, octavia]}").platform.services == (
        "identity",
        "network",
        "placement",
        "dashboard",
    )
    assert spec.loads("platform: {services: [keystone]}").platform.services == ("identity",)


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("nova", "compute"),
        ("Cinder", "block-storage"),
        ("volume", "block-storage"),
        ("networking", "network"),
    ],
)
def test_a_service_is_chosen_by_its_project_or_its_path_too(name: str, type_: str) -> None:
    assert services.canonical(name) == type_


def test_each_service_comes_after_what_it_needs() -> None:
    for chosen in services.types():
        ordered = services.resolve([chosen]).ordered
        assert chosen in ordered
        for service in ordered:
            assert all(ordered.index(need) < ordered.index(service) for need in services.requires()[service])


def test_places_of_values_and_of_what_was_not_written() -> None:
    text = "platform:\n  listen:\n    port: 80\nhosts:\n  - name: a\n    address: 192.0.2.1\n"
    wanted = spec.loads(text, "cloud.yaml")
    assert wanted.place_of("platform", "listen", "port") == Place("cloud.yaml", 3, 11)
    assert wanted.place_of("hosts", 0, "address") == Place("cloud.yaml", 6, 14)
    assert wanted.place_of("platform", "listen", "address") == Place("cloud.yaml", 3, 5)
    assert wanted.place_of("name") == Place("cloud.yaml", 1, 1)
    assert spec.default().place_of("hosts", 0) == Place("(default)")


def test_equal_wherever_it_was_written() -> None:
    assert spec.loads("name: a", "x") == spec.loads("# other\n\nname: a", "y")
    assert spec.loads("name: a") != spec.loads("name: b")


def test_nothing_can_be_changed() -> None:
    wanted = spec.default()
    with pytest.raises(ValueError, match="frozen"):
        wanted.name = "other"
    assert hash(wanted.platform) == hash(spec.default().platform)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as raised:
        spec.load(tmp_path / "no.yaml")
    assert "No such file" in raised.value.summary
    assert raised.value.where == str(tmp_path / "no.yaml")
    assert raised.value.exit_status == 2


def test_a_folder_is_no_spec(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Is a directory"):
        spec.load(tmp_path)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_bytes(b"name: a\n# caf\xe9\n")
    with pytest.raises(spec.BadSpec) as raised:
        spec.load(file)
    assert raised.value.where == Place(str(file), 2, 6)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: lab\r\n")
    assert spec.load(file).name == "lab"
