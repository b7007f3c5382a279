"""Each host's certificate: one for all it does, the same at each `up` until it must be another."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bringup.conftest import Make
from onestack.platform import tls


def certificate(found: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(found)


def test_a_host_is_known_by_its_name_and_found_at_its_address(tmp_path: Path) -> None:
    files = tls.host_files(tmp_path / "tls", "a", "n1", "192.0.2.12")
    assert set(files) == {"host.pem", "host.key", "ca.pem"}
    found, ca = certificate(files["host.pem"]), certificate(files["ca.pem"])
    found.verify_directly_issued_by(ca)
    assert found.subject.rfc4514_string() == "CN=n1"
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["n1"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.12"]
    uses = set(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert uses == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    key = load_pem_private_key(files["host.key"], None)
    assert key.public_key() == found.public_key()
    assert b"PRIVATE" not in files["host.pem"]


def test_the_one_that_ends_first_is_listed_first(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    assert tls.expiries(folder) == []
    tls.host_files(folder, "a", "n1", "192.0.2.12")
    (folder / "bundle.pem").write_text("of the machine")
    found = [(each.name, each.days) for each in tls.expiries(folder)]
    assert found == [("hosts/n1", tls.DAYS - 1), ("authority", tls.CA_DAYS - 1)]


def test_it_stays_until_the_address_changes_or_it_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tls"
    first = tls.host_files(folder, "a", "n1", "192.0.2.12")
    assert tls.host_files(folder, "a", "n1", "192.0.2.12") == first
    moved = tls.host_files(folder, "a", "n1", "192.0.2.99")
    assert moved["host.key"] != first["host.key"] and moved["ca.pem"] == first["ca.pem"]
    monkeypatch.setattr(tls, "RENEW_DAYS", tls.DAYS + 1)
    renewed = certificate(tls.host_files(folder, "a", "n1", "192.0.2.99")["host.pem"])
    assert renewed.serial_number != certificate(moved["host.pem"]).serial_number
    assert renewed.not_valid_after_utc > datetime.datetime.now(datetime.UTC)


def test_the_key_of_the_ca_goes_to_no_other_host(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    files = tls.host_files(folder, "a", "n1", "192.0.2.12")
    authority = load_pem_private_key((folder / "authority.pem").read_bytes(), None)
    assert all(
        load_pem_private_key(text, None).private_numbers() != authority.private_numbers()  # type: ignore[union-attr]
        for name, text in files.items()
        if b"PRIVATE" in text
    )
    assert (folder / "hosts/n1.pem").stat().st_mode & 0o777 == 0o600
    assert certificate(files["ca.pem"]).subject.get_attributes_for_oid(NameOID.COMMON_NAME)


def test_a_host_trusts_who_the_api_gateway_is_trusted_by(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    (folder / "bundle.pem").write_text("what the machine trusts\n")
    assert tls.host_files(folder, "a", "n1", "192.0.2.12")["bundle.pem"] == b"what the machine trusts\n"


def test_one_host_needs_no_certificate_for_others(make: Make) -> None:
    assert tls.of_hosts(make()) == {}


def test_each_of_several_hosts_has_one(make: Make) -> None:
    site = make()
    leader = replace(site.here, address="192.0.2.11")
    other = replace(leader.view, name="n1", address="192.0.2.12", roles=frozenset({"compute"}))
    (site.paths.etc / "tls").mkdir()
    found = tls.of_hosts(replace(site, here=leader, peers=(other,)))
    assert {
        name: certificate(files["host.pem"]).subject.rfc4514_string() for name, files in found.items()
    } == {
        "host": "CN=host",
        "n1": "CN=n1",
    }
    assert found["host"]["ca.pem"] == found["n1"]["ca.pem"]


def test_control_hosts_are_found_at_the_virtual_address_too_and_have_the_api_gateways_certificate(
    make: Make,
) -> None:
    hosts = ", ".join(f"{{name: c{each}, address: 192.0.2.1{each}}}" for each in (1, 2, 3))
    site = make(f"platform: {{address: 192.0.2.10}}\nhosts: [{hosts}]\n", host="c1")
    others = tuple(replace(site.here.view, name=f"c{each}", address=f"192.0.2.1{each}") for each in (2, 3))
    site = replace(site, peers=others)
    tls.ensure(site)
    found = tls.of_hosts(site)["c2"]
    names = certificate(found["host.pem"]).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    # And at each other's addresses: by these oslo.messaging verifies them.
    addresses = {str(each) for each in names.value.get_values_for_type(x509.IPAddress)}
    assert addresses == {"192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13"}
    assert names.value.get_values_for_type(x509.DNSName) == ["c2"]
    served = certificate(found[tls.CERTIFICATE]).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(each) for each in served.value.get_values_for_type(x509.IPAddress)] == ["192.0.2.10"]
