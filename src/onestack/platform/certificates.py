"""Certificates for load balancers in clouds without Barbican: stored in a folder that only root reads, with
references.

Each has a folder of its own below its project's. Octavia's process finds it by the last part of the reference.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from onestack.core import contract
from onestack.core.errors import BadInput
from onestack.platform.site import Site

FOLDER = contract.CERTIFICATES
"""The path inside the namespace; `[certificates] storage_path`."""


@dataclass(frozen=True)
class Certificate:
    """A stored certificate. `kind`: `certificate` (with its key) or `secret` (a CA bundle, or a revocation list).
    `until`: when it expires; empty for a secret."""

    id: str
    name: str
    project: str
    kind: str
    subject: str = ""
    until: str = ""

    def reference(self, site: Site) -> str:
        """The reference for Octavia's API. It has Barbican's form, but nothing listens at this address."""
        word = "containers" if self.kind == "certificate" else "secrets"
        return f"{site.gateway}/key-manager/v1/{word}/{self.id}"


def read_certificate(cert: Path, key: Path, chain: Path | None) -> tuple[Mapping[str, bytes], str, str]:
    """The files' contents by name, the subject, and the date of expiry. Raises BadInput if they do not match."""
    text, secret = _content(cert), _content(key)
    try:
        found = x509.load_pem_x509_certificate(text)
    except ValueError as error:
        raise BadInput("this is no certificate in PEM", where=str(cert), detail=str(error)) from error
    try:
        private = load_pem_private_key(secret, None)
    except (ValueError, TypeError) as error:
        hint = "a key without a passphrase, in PEM: `openssl pkey -in KEY -out PLAIN`"
        raise BadInput("this is no private key that can be read", where=str(key), hint=hint) from error
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*spki) != found.public_key().public_bytes(*spki):
        raise BadInput("the key is not the certificate's", where=str(key))
    files = {contract.CERTIFICATE: text, contract.PRIVATE_KEY: secret}
    if chain is not None:
        files[contract.CHAIN] = _content(chain)
        try:
            x509.load_pem_x509_certificates(files[contract.CHAIN])
        except ValueError as error:
            raise BadInput("these are no certificates in PEM", where=str(chain), detail=str(error)) from error
    if not found.subject.rdns and not _names(found):
        raise BadInput("the certificate has neither a subject nor a name", where=str(cert))
    return files, found.subject.rfc4514_string(), found.not_valid_after_utc.isoformat()


def read_secret(file: Path) -> Mapping[str, bytes]:
    """The content of a CA bundle or revocation list. Raises BadInput if it is neither."""
    text = _content(file)
    try:
        x509.load_pem_x509_crl(text)
    except ValueError:
        try:
            x509.load_pem_x509_certificates(text)
        except ValueError as error:
            raise BadInput(
                "neither certificates nor a list of revoked ones, in PEM", where=str(file)
            ) from error
    return {contract.SECRET: text}


def _names(found: x509.Certificate) -> list[str]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.DNSName)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(file)) from error


def store(site: Site, about: Certificate, files: Mapping[str, bytes]) -> None:
    """Store a certificate, atomically."""
    root = site.leader.outside(FOLDER)
    place = root / about.project / about.id
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    root.chmod(0o700)
    partial = place.with_name(f".{about.id}")
    partial.mkdir(mode=0o700)
    for name, content in {**files, contract.ABOUT: json.dumps(asdict(about)).encode()}.items():
        descriptor = os.open(partial / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
    partial.rename(place)


def new_id() -> str:
    """A new id."""
    return str(uuid.uuid4())


def known(site: Site) -> Iterator[Certificate]:
    """All stored certificates, sorted by project and name."""
    root = site.leader.outside(FOLDER)
    found = []
    for file in root.glob(f"*/[!.]*/{contract.ABOUT}"):
        found.append(Certificate(**json.loads(file.read_text())))
    yield from sorted(found, key=lambda each: (each.project, each.name, each.id))


def find(site: Site, word: str) -> Certificate:
    """The certificate with this reference, id or name. Raises BadInput if there is none, or several with the name."""
    ident = word.rstrip("/").rpartition("/")[2]
    found = [each for each in known(site) if ident in (each.id, each.name)]
    if len(found) != 1:
        what = "no certificate" if not found else f"{len(found)} certificates"
        raise BadInput(
            f"there is {what} '{word}'", hint="`onestack certificate list` shows them with their ids"
        )
    return found[0]


def remove(site: Site, about: Certificate) -> None:
    """Delete a certificate."""
    place = site.leader.outside(FOLDER) / about.project / about.id
    shutil.rmtree(place)


def expires_soon(about: Certificate, now: datetime, days: int = 30) -> bool:
    """Whether it expires within `days`, or has expired."""
    return bool(about.until) and (datetime.fromisoformat(about.until) - now).days < days
