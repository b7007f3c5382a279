"""Operations on load balancers: check that all of them match Octavia's database, and manage certificates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from openstack import exceptions
from openstack.connection import Connection
from openstack.identity.v3._proxy import Proxy as Identity

from onestack.core import contract
from onestack.core.errors import BadInput
from onestack.host.lock import held
from onestack.platform import certificates
from onestack.platform.certificates import Certificate
from onestack.platform.connect import connection
from onestack.platform.services import _common as common
from onestack.platform.site import Site

TYPE = "load-balancer"
CHECK_SECONDS = 300.0


def require_service(site: Site) -> None:
    """Raise BadInput if the cloud has no load balancing service."""
    if TYPE not in site.view.cloud.services:
        raise BadInput(
            "this cloud has no load balancing", hint=f"add {TYPE} to platform.services and run `onestack up`"
        )


class Balancing:
    """The balancers of a cloud."""

    def __init__(self, site: Site) -> None:
        require_service(site)
        self._site = site

    def check(self, *, repair: bool = True) -> dict[str, Any]:
        """The findings, and those that are left after their repair (with `repair`).

        {"balancers": number, "found": [...], "left": [...]}
        """
        words = [*common.module(contract.BALANCER_CHECK), *(["--repair"] if repair else [])]
        # Two checks at the same time would repair the same faults.
        with held(self._site.paths.run / "balancers.lock", "onestack balancers check", seconds=60):
            output = self._site.leader.inside(words, seconds=CHECK_SECONDS)
        found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return found

    def certificates(self) -> list[tuple[Certificate, str]]:
        """All certificates, with their references."""
        return [(each, each.reference(self._site)) for each in certificates.known(self._site)]

    def add_certificate(
        self,
        name: str,
        project: str,
        *,
        cert: Path | None = None,
        key: Path | None = None,
        chain: Path | None = None,
        secret: Path | None = None,
    ) -> tuple[Certificate, str]:
        """Store a certificate with its key, or a `secret`, for a project; returns it and its reference.

        Raises BadInput, with nothing changed.
        """
        subject = expires = ""
        if cert and key:
            files, subject, expires = certificates.read_certificate(cert, key, chain)
        elif secret:
            files = certificates.read_secret(secret)
        else:
            raise BadInput("neither a certificate with its key nor a secret")
        owner = _project(connection(self._site), project)
        kind = "certificate" if cert else "secret"
        about = Certificate(certificates.new_id(), name, owner, kind, subject, expires)
        certificates.store(self._site, about, files)
        return about, about.reference(self._site)

    def delete_certificate(self, word: str) -> Certificate:
        """Delete a certificate. Raises BadInput while a listener or pool refers to it."""
        about = certificates.find(self._site, word)
        if users := sorted(_users(connection(self._site), about.id)):
            raise BadInput(
                f"'{about.name}' is in use by {', '.join(users)}", hint="assign another one to them first"
            )
        certificates.remove(self._site, about)
        return about


def _project(admin: Connection, word: str) -> str:
    # The SDK's types still include Keystone's v2 API, which no longer exists.
    found = cast(Identity, admin.identity).find_project(word)
    if found is None:
        raise BadInput(f"there is no project '{word}'")
    return str(found.id)


_REFERENCES = (
    *(
        "default_tls_container_ref",
        "sni_container_refs",
        "client_ca_tls_container_ref",
        "client_crl_container_ref",
    ),
    *("tls_container_ref", "ca_tls_container_ref", "crl_container_ref"),
)


def _users(admin: Connection, ident: str) -> set[str]:
    """The listeners and pools that refer to a certificate, in words."""
    found = set()
    for kind in ("listener", "pool"):
        # The raw API response: the SDK's objects have only some of the references.
        answer = admin.load_balancer.get(f"/lbaas/{kind}s")
        exceptions.raise_from_response(answer)
        for each in answer.json()[f"{kind}s"]:
            if any(ident in str(each.get(name) or "") for name in _REFERENCES):
                found.add(f"{kind} {each['name'] or each['id']}")
    return found
