"""The certificates of a cloud on this host: until when they are valid, and who renews them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from onestack.platform.places import CA, GATEWAY_CERTIFICATE, HOST_CERTIFICATE, PROMETHEUS_CERTIFICATE
from onestack.platform.site import Site

API_GATEWAY, AUTHORITY = "api-gateway", "ca"


@dataclass(frozen=True)
class Certificate:
    """A certificate. `name`: api-gateway, ca, prometheus, or `host NAME`. `ours`: OneStack issues and renews it."""

    name: str
    file: Path
    subject: str
    serial: int
    until: datetime.datetime
    ours: bool = True

    def days(self, now: datetime.datetime) -> int:
        """For how many whole days it is valid; negative after that."""
        return (self.until - now).days


def certificates(site: Site) -> Iterator[Certificate]:
    """All that are on this host, those of other hosts on the leader, too."""
    own = site.spec.listen.certificate is None
    node = site.here
    places = [(AUTHORITY, node.outside(CA), True)]
    if site.tls:
        places.append((API_GATEWAY, node.outside(GATEWAY_CERTIFICATE), own))
    if site.leads:
        places.append(("prometheus", node.outside(PROMETHEUS_CERTIFICATE), True))
        kept = node.paths.etc / "tls/hosts"
        places += [
            (f"host {each.name}", kept / f"{each.name}.pem", True) for each in site.hosts if site.peers
        ]
    else:
        places.append((f"host {node.name}", node.outside(HOST_CERTIFICATE), True))
    for name, file, ours in places:
        if file.exists():
            yield read(name, file, ours)


def read(name: str, file: Path, ours: bool = True) -> Certificate:
    """The first certificate in a file. Raises ValueError where there is none."""
    found = x509.load_pem_x509_certificate(file.read_bytes())
    return Certificate(
        name, file, found.subject.rfc4514_string(), found.serial_number, found.not_valid_after_utc, ours
    )
