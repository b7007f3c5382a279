"""What a project's quotas are, and how much of them is in use, as far as the cloud tells."""

from __future__ import annotations

from typing import Any, NamedTuple

from onestack.core.errors import OneStackError
from onestack.workloads.openstack.rest import Access
from onestack.workloads.rights import Share


class _Form(NamedTuple):
    path: str
    one: str
    params: dict[str, Any]


_FORMS = {
    "compute": _Form("/os-quota-sets/{}/detail", "quota_set", {}),
    "network": _Form("/quotas/{}/details", "quota", {}),
    "block-storage": _Form("/os-quota-sets/{}", "quota_set", {"usage": "true"}),
}
"""Octavia tells the limits only."""


def shares(access: Access, service: str, project: str) -> dict[str, Share]:
    """A project's limits of a service by the API's names; empty if the cloud does not tell.

    A quota that cannot be read is no reason to refuse a plan: the service itself refuses what is too much.
    """
    form = _FORMS.get(service)
    if form is None:
        return {}
    try:
        told = access.rest(service, project).get(form.path.format(project), **form.params)[form.one]
    except OneStackError:
        return {}
    return {word: _share(each) for word, each in told.items() if isinstance(each, dict) and "limit" in each}


def _share(told: dict[str, Any]) -> Share:
    # Neutron calls in_use `used`.
    return Share(int(told["limit"]), sum(int(told.get(key) or 0) for key in ("in_use", "used", "reserved")))
