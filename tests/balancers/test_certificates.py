"""Certificates for balancers: what is taken, what is refused, and that only root reads them."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from onestack.core.errors import BadInput
from onestack.platform import certificates, tls
from onestack.platform.certificates import Certificate


@pytest.fixture
def site(tmp_path: Path) -> Any:
    return SimpleNamespace(
        gateway="http://127.0.0.1:8080",
        leader=SimpleNamespace(outside=lambda place: tmp_path / "kept"),
    )


def pair(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """A certificate, its key, and the CA's certificate."""
    ca, ca_key = tls._authority(folder, "test")
    found, key = tls.issue(ca, ca_key, [name])
    files = folder / f"{name}.pem", folder / f"{name}.key", folder / "ca.pem"
    files[0].write_bytes(found.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    files[2].write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    return files


def test_one_is_kept_listed_found_and_removed(site: Any, tmp_path: Path) -> None:
    cert, key, ca = pair(tmp_path, "shop.example")
    files, subject, until = certificates.read_certificate(cert, key, ca)
    assert "shop.example" in subject
    assert until.startswith("20")
    about = Certificate(certificates.new_id(), "shop", "project", "certificate", subject, until)
    certificates.store(site, about, files)
    assert list(certificates.known(site)) == [about]
    assert certificates.find(site, "shop") == certificates.find(site, about.reference(site)) == about
    assert about.reference(site) == f"http://127.0.0.1:8080/key-manager/v1/containers/{about.id}"
    kept = tmp_path / "kept/project" / about.id
    assert {each.name for each in kept.iterdir()} == {"about.json", "certificate.pem", "key.pem", "chain.pem"}
    assert {stat.S_IMODE(each.stat().st_mode) for each in kept.iterdir()} == {0o600}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    certificates.remove(site, about)
    assert list(certificates.known(site)) == []
    with pytest.raises(BadInput, match="no certificate 'shop'"):
        certificates.find(site, "shop")


def test_a_key_of_another_is_refused(tmp_path: Path) -> None:
    cert, _, _ = pair(tmp_path, "shop.example")
    _, other, _ = pair(tmp_path, "other.example")
    with pytest.raises(BadInput, match="not the certificate's"):
        certificates.read_certificate(cert, other, None)


def test_what_is_neither_certificate_nor_key_is_refused(tmp_path: Path) -> None:
    cert, key, ca = pair(tmp_path, "shop.example")
    with pytest.raises(BadInput, match="no certificate in PEM"):
        certificates.read_certificate(key, key, None)
    with pytest.raises(BadInput, match="no private key"):
        certificates.read_certificate(cert, cert, None)
    with pytest.raises(BadInput, match="no certificates in PEM"):
        certificates.read_certificate(cert, key, key)
    with pytest.raises(BadInput, match="neither certificates"):
        certificates.read_secret(key)
    assert set(certificates.read_secret(ca)) == {"secret.pem"}


def test_a_name_twice_must_be_told_apart_by_id(site: Any) -> None:
    for _ in range(2):
        certificates.store(
            site, Certificate(certificates.new_id(), "ca", "p", "secret"), {"secret.pem": b"x"}
        )
    with pytest.raises(BadInput, match="2 certificates 'ca'"):
        certificates.find(site, "ca")
