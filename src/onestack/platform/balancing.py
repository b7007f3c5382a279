"""What an operator asks of load balancing: whether all balancers are as the database says, and certificates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from openstack.connection import Connection
from openstack.identity.v3._proxy import Proxy as Identity

from onestack.core.errors import BadInput
from onestack.platform import certificates
from onestack.platform.certificates import Certificate
from onestack.platform.services import _common as common
from onestack.platform.site import Site

TYPE = "load-balancer"
CHECK_SECONDS = 300.0


def demand(site: Site) -> None:
    """Raise BadInput where the cloud has no balancers."""
    if TYPE not in site.view.services:
        raise BadInput(
            "this cloud has no load balancing", hint=f"add {TYPE} to platform.services and run `onestack up`"
        )


def check(site: Site, *, mend: bool) -> dict[str, Any]:
    """What was found wrong and what is left of it: {"balancers", "found", "left"}."""
    demand(site)
    words = [*common.module("onestack_runtime.balancer.check"), *(["--mend"] if mend else [])]
    told = site.inside(words, seconds=CHECK_SECONDS)
    found: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
    return found


def add_certificate(
    site: Site,
    admin: Connection,
    name: str,
    project: str,
    *,
    cert: Path | None,
    key: Path | None,
    chain: Path | None,
    secret: Path | None,
) -> tuple[Certificate, str]:
    """Keep a certificate for a project; it and its reference. Raises BadInput, with nothing changed."""
    demand(site)
    # Keystone has had no v2 for years; the SDK's types still allow for it.
    found = cast(Identity, admin.identity).find_project(project)
    if found is None:
        raise BadInput(f"there is no project '{project}'")
    subject = until = ""
    if cert and key:
        files, subject, until = certificates.read_certificate(cert, key, chain)
    elif secret:
        files = certificates.read_secret(secret)
    else:
        raise BadInput("neither a certificate with its key nor a secret")
    kind = "certificate" if cert else "secret"
    about = Certificate(certificates.new_id(), name, found.id, kind, subject, until)
    certificates.store(site, about, files)
    return about, about.reference(site)


def delete_certificate(site: Site, admin: Connection, word: str) -> Certificate:
    """Keep it no longer. Raises BadInput while a listener or pool refers to it."""
    demand(site)
    about = certificates.find(site, word)
    if users := sorted(_users(admin, about.id)):
        raise BadInput(f"'{about.name}' is in use by {', '.join(users)}", hint="give those another one first")
    certificates.remove(site, about)
    return about


def _users(admin: Connection, ident: str) -> set[str]:
    def names(*references: str | None) -> bool:
        return any(each and each.endswith(ident) for each in references)

    found = set()
    for listener in admin.load_balancer.listeners():
        refs = (listener.default_tls_container_ref, listener.client_ca_tls_container_ref,
                listener.client_crl_container_ref, *(listener.sni_container_refs or ()))  # fmt: skip
        if names(*refs):
            found.add(f"listener {listener.name or listener.id}")
    for pool in admin.load_balancer.pools():
        if names(pool.tls_container_ref, pool.ca_tls_container_ref, pool.crl_container_ref):
            found.add(f"pool {pool.name or pool.id}")
    return found
