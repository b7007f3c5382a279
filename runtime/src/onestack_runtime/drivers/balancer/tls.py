"""Writes the certificates of a balancer's listeners and pools to disk, where its HAProxy reads them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octavia.common import utils
from octavia.common.tls_utils import cert_parser
from oslo_config import cfg
from oslo_context import context
from stevedore import driver as stevedore_driver

from onestack_runtime.drivers.balancer.places import Place


@dataclass(frozen=True)
class Material:
    """`files`: name -> content; `template_values`: input of Octavia's template; `digest`: of all files."""

    files: dict[str, bytes]
    template_values: dict[str, Any]

    @property
    def digest(self) -> str:
        if not self.files:
            return ""
        return hashlib.sha256(repr(sorted(self.files.items())).encode()).hexdigest()[:16]


def collect(lb: Any) -> Material:
    """The certificates of the balancer's listeners and pools. Raises Octavia's CertificateRetrievalException."""
    place = Place(lb.id)
    found = Material({}, {})
    manager = None
    for each in [*lb.listeners, *lb.pools]:
        if not _refers(each):
            continue
        manager = manager or _manager()
        if hasattr(each, "protocol_port"):
            found.template_values.update(_of_listener(manager, each, found.files))
        else:
            found.template_values.update(_of_pool(manager, each, found.files, place))
    return found


def write(lb: Any, material: Material) -> None:
    """Write these files beside the configuration, and delete other certificates there."""
    place = Place(lb.id)
    for name, content in material.files.items():
        _private(place.folder / name, content)
    for old in place.folder.glob("*.pem"):
        if old.name not in material.files:
            old.unlink()


def _refers(each: Any) -> bool:
    names = ("tls_certificate_id", "client_ca_tls_certificate_id", "client_crl_container_id",
             "ca_tls_certificate_id", "crl_container_id")  # fmt: skip
    return any(getattr(each, name, None) for name in names)


def _manager() -> Any:
    name = cfg.CONF.certificates.cert_manager
    return stevedore_driver.DriverManager("octavia.cert_manager", name, invoke_on_load=True).driver


def _of_listener(manager: Any, listener: Any, files: dict[str, bytes]) -> dict[str, Any]:
    template_values: dict[str, Any] = {}
    if listener.tls_certificate_id:
        found = cert_parser.load_certificates_data(manager, listener)
        names = []
        for each in [found["tls_cert"], *found["sni_certs"]]:
            names.append(f"{each.id}.pem")
            files[names[-1]] = cert_parser.build_pem(each)
        folder = Place(listener.load_balancer.id).folder
        # Clients without a matching SNI name get the first certificate.
        files[f"{listener.id}.pem"] = "".join(f"{folder}/{name}\n" for name in names).encode()
    for reference in (listener.client_ca_tls_certificate_id, listener.client_crl_container_id):
        if reference:
            template_values[reference] = _secret(manager, listener.project_id, reference, files)
    return template_values


def _of_pool(manager: Any, pool: Any, files: dict[str, bytes], place: Place) -> dict[str, Any]:
    template_values: dict[str, str] = {}
    if pool.tls_certificate_id:
        found = cert_parser.load_certificates_data(manager, pool)["tls_cert"]
        name = f"{found.id}.pem"
        files[name] = cert_parser.build_pem(found)
        template_values["client_cert"] = f"{place.folder}/{name}"
    for key, reference in (("ca_cert", pool.ca_tls_certificate_id), ("crl", pool.crl_container_id)):
        if reference:
            template_values[key] = f"{place.folder}/{_secret(manager, pool.project_id, reference, files)}"
    return {pool.id: template_values}


def _secret(manager: Any, project: str, reference: str, files: dict[str, bytes]) -> str:
    content = manager.get_secret(context.RequestContext(project_id=project), reference)
    data: bytes = utils.b(content) if isinstance(content, str) else content
    name = f"secret-{hashlib.sha256(data).hexdigest()[:32]}.pem"
    files[name] = data
    return name


def _private(file: Path, content: bytes) -> None:
    if file.exists() and file.read_bytes() == content:
        return
    partial = file.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
    partial.rename(file)
