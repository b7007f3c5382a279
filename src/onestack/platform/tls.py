"""Certificates: the API gateway's (the user's own, or one signed by the cloud's CA), and, with several hosts, one for
each host.

Each cloud has a CA of its own, whose key exists only on the leader.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from onestack.host.files import replace_private
from onestack.platform.infrastructure import gateway
from onestack.platform.places import PROMETHEUS, PROMETHEUS_CERTIFICATE
from onestack.platform.site import Site

CERTIFICATE = f"{gateway.NAME}.pem"
CA_DAYS = 3650
DAYS = 397
"""Browsers refuse certificates that are valid longer."""
RENEW_DAYS = 30
"""`up` renews a certificate whose remaining validity is less than this."""
_SERVER, _CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


def ensure(site: Site, *, anew: bool = False) -> None:
    """Create or renew api-gateway.pem (chain and key, for HAProxy) and bundle.pem (the CA bundle for clients) in
    etc/tls. `anew`: one that is still good, too."""
    folder = site.paths.etc / "tls"
    folder.mkdir(mode=0o700, exist_ok=True)
    listen = site.spec.listen
    if listen.certificate and listen.key:
        chain = Path(listen.certificate).read_text()
        replace_private(folder / CERTIFICATE, chain.rstrip() + "\n" + Path(listen.key).read_text())
        replace_private(folder / "bundle.pem", _system_bundle() + chain)
        return
    names = [str(listen.address), *([listen.name] if listen.name else [])]
    ca, ca_key = _authority(folder, site.spec.name)
    if anew or not _still_good(folder / CERTIFICATE, names):
        certificate, key = issue(ca, ca_key, names)
        replace_private(folder / CERTIFICATE, _pem(certificate) + _key_pem(key))
    replace_private(folder / "bundle.pem", _system_bundle() + _pem(ca))
    replace_private(folder / "ca.pem", _pem(ca))


def forget_hosts(site: Site) -> None:
    """Have the next `up` issue the certificates of all hosts, and Prometheus', anew."""
    folder = site.paths.etc / "tls"
    for file in (*(folder / "hosts").glob("*.pem"), site.leader.outside(PROMETHEUS_CERTIFICATE)):
        file.unlink(missing_ok=True)


def of_hosts(site: Site) -> Mapping[str, Mapping[str, bytes]]:
    """Host -> the files for its etc/tls; empty for a single host. Call it on the leader, after `ensure`."""
    view = site.view
    if not view.peers:
        return {}
    folder, address = site.paths.etc / "tls", view.cloud.address
    found: dict[str, Mapping[str, bytes]] = {}
    # With several servers oslo.messaging verifies each by the address of the one it tried first. Nothing is lost: who
    # trusts one control host trusts the others as much.
    controls = [each.address for each in view.controls] if view.replicated else []
    for each in view.hosts:
        control = "control" in each.roles
        more = [*([address] if address else []), *(other for other in controls if other != each.address)]
        more = more if control else []
        found[each.name] = host_files(folder, site.spec.name, each.name, each.address, more)
        if control and view.replicated:
            # Each control host has an API gateway.
            found[each.name] = {**found[each.name], CERTIFICATE: (folder / CERTIFICATE).read_bytes()}
    return found


def ensure_prometheus(site: Site) -> None:
    """Create or renew the certificate by which other hosts' exporters know this cloud's Prometheus, where it has one.
    Call it on the leader."""
    view = site.view
    if view.cloud.monitoring is None or not view.peers:
        return
    folder = site.paths.etc / "tls"
    ca, ca_key = _authority(folder, site.spec.name)
    file = site.leader.outside(PROMETHEUS_CERTIFICATE)
    if not _still_good(file, [PROMETHEUS]):
        certificate, key = issue(ca, ca_key, [PROMETHEUS], [_CLIENT])
        replace_private(file, _pem(certificate) + _key_pem(key))


def host_files(
    folder: Path, cloud: str, host: str, address: str, more: Sequence[str] = ()
) -> Mapping[str, bytes]:
    """The files for a host's etc/tls, readable by root only: its certificate and key, and CA certificates.

    Certificate and key stay the same until they are due for renewal, or the address changes; they are stored in
    `folder` (the leader's etc/tls) below `hosts`. `cloud`: the cloud's name, for a new CA. `more`: further addresses
    and names of the host.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = folder / "hosts"
    kept.mkdir(mode=0o700, exist_ok=True)
    ca, ca_key = _authority(folder, cloud)
    # The last name becomes the subject, by which OVN and libvirt identify a host.
    names, file = [address, *more, host], kept / f"{host}.pem"
    if not _still_good(file, names):
        certificate, key = issue(ca, ca_key, names, [_SERVER, _CLIENT])
        replace_private(file, _pem(certificate) + _key_pem(key))
    both = file.read_bytes()
    found = {
        "host.pem": _pem(x509.load_pem_x509_certificate(both)),
        "host.key": _key_pem(_key_of(both)),
        "ca.pem": _pem(ca),
    }
    # The CA bundle of its processes, for connections to the API gateway.
    if (bundle := folder / "bundle.pem").exists():
        found["bundle.pem"] = bundle.read_text()
    return {name: text.encode() for name, text in found.items()}


def issue(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    names: list[str],
    uses: Sequence[x509.ObjectIdentifier] = (_SERVER,),
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate for IP addresses and DNS names. `uses`: its extended key usages."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(names[-1]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return certificate, key


def authority(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A new CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = _name(f"OneStack CA of {name}")
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        # Python 3.13 verifies strictly: a CA needs a subject key identifier.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def _authority(folder: Path, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    file = folder / "authority.pem"
    if not file.exists():
        certificate, key = authority(name)
        replace_private(file, _pem(certificate) + _key_pem(key))
    text = file.read_bytes()
    return x509.load_pem_x509_certificate(text), _key_of(text)


def _key_of(text: bytes) -> ec.EllipticCurvePrivateKey:
    return serialization.load_pem_private_key(text, None)  # type: ignore[return-value]


@dataclass(frozen=True)
class Expiry:
    """When a certificate ends. `days`: until then, negative afterwards. `until`: ISO 8601."""

    name: str
    days: int
    until: str


def expiries(folder: Path) -> list[Expiry]:
    """When the certificates in a cloud's etc/tls end, the first to end first; none for a cloud without TLS."""
    now = datetime.datetime.now(datetime.UTC)
    found = []
    for file in sorted(folder.rglob("*.pem")):
        # A bundle has the machine's CAs, too, and the cloud's own is in authority.pem.
        if file.name in ("bundle.pem", "ca.pem") or b"BEGIN CERTIFICATE" not in (text := file.read_bytes()):
            continue
        until = x509.load_pem_x509_certificate(text).not_valid_after_utc
        name = str(file.relative_to(folder).with_suffix(""))
        found.append(Expiry(name, (until - now).days, until.isoformat()))
    return sorted(found, key=lambda each: each.days)


def _still_good(file: Path, names: list[str]) -> bool:
    if not file.exists():
        return False
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return left.days >= RENEW_DAYS and list(alternatives) == [_alternative(name) for name in names]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _system_bundle() -> str:
    # The machine's own CA bundle, so that services with our bundle can also connect to servers elsewhere.
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    return bundle.read_text() if bundle.exists() else ""
