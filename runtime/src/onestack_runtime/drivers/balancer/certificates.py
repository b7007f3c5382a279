"""Octavia's certificate manager for clouds without Barbican: certificates in a folder that only root can read.

`onestack certificate add` writes each one to a folder of its own below its project's. References have Barbican's
form; only the last part is used. A project can use its own certificates, an administrator's request any.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from octavia.certificates.common import local
from octavia.certificates.manager import cert_mgr
from octavia.common import context as octavia_context
from octavia.common import exceptions
from octavia.common.tls_utils import cert_parser
from oslo_config import cfg

from onestack_runtime import contract

_IDENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def find(root: Path, reference: str, project: str | None, *, anybody: bool = False) -> Path | None:
    """The folder of the certificate or secret that a reference names, if this project may use it."""
    ident = reference.rstrip("/").rpartition("/")[2]
    if not _IDENT.fullmatch(ident):
        return None
    for folder in root.glob(f"*/{ident}"):
        if anybody or folder.parent.name == project:
            return folder
    return None


class Certificates(cert_mgr.CertManager):  # type: ignore[misc]
    """Reads certificates that the operator added; Octavia itself stores and deletes none."""

    def get_cert(self, context: Any, cert_ref: str, resource_ref: Any = None, check_only: bool = False,
                 service_name: Any = None) -> local.LocalCert:  # fmt: skip
        folder = self._folder(context, cert_ref)
        kind = json.loads((folder / contract.ABOUT).read_text())["kind"]
        if kind != "certificate":
            raise exceptions.CertificateRetrievalException(ref=cert_ref)
        chain = folder / contract.CHAIN
        return local.LocalCert(
            certificate=(folder / contract.CERTIFICATE).read_text(),
            private_key=(folder / contract.PRIVATE_KEY).read_text(),
            intermediates=list(cert_parser.get_intermediates_pems(chain.read_text()))
            if chain.exists()
            else [],
        )

    def get_secret(self, context: Any, secret_ref: str) -> str:
        folder = self._folder(context, secret_ref)
        secret = folder / contract.SECRET
        if not secret.exists():
            raise exceptions.CertificateRetrievalException(ref=secret_ref)
        return secret.read_text()

    def store_cert(self, context: Any, certificate: Any, private_key: Any, intermediates: Any = None,
                   private_key_passphrase: Any = None, expiration: Any = None, name: Any = None) -> None:  # fmt: skip
        raise exceptions.CertificateStorageException(msg="`onestack certificate add` stores certificates")

    def delete_cert(
        self, context: Any, cert_ref: str, resource_ref: Any = None, service_name: Any = None
    ) -> None:
        raise exceptions.CertificateStorageException(msg="`onestack certificate delete` removes certificates")

    def set_acls(self, context: Any, cert_ref: str) -> None:
        """Nothing to set: only the project that a certificate was added for can use it."""

    def unset_acls(self, context: Any, cert_ref: str) -> None:
        """Nothing to unset."""

    @staticmethod
    def _folder(context: Any, reference: str) -> Path:
        root = Path(cfg.CONF.certificates.storage_path)
        project = getattr(context, "project_id", None)
        # For an update Octavia reads it twice: with the user's context, then with its own, which has no project.
        second_read = project is None and not isinstance(context, octavia_context.RequestContext)
        anybody = second_read or bool(getattr(context, "is_admin", False))
        found = find(root, reference, project, anybody=anybody)
        if found is None:
            raise exceptions.CertificateRetrievalException(ref=reference)
        return found
