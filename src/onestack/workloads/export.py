"""The way back: what exists in a cloud, as a spec.

Each kind says what a spec says of its resources. Here that becomes a file: the resources of which kinds and tenants,
whose names others may refer to, repeated items as one with `count`, comments, and warnings of what no spec can say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, silent, step
from onestack.language.diagnostics import BadSpec
from onestack.spec import loads
from onestack.spec.compose import whole
from onestack.workloads import exported_text
from onestack.workloads.kind.base import quota_key
from onestack.workloads.kind.discovery import Kinds
from onestack.workloads.kind.existing import Existing, Item
from onestack.workloads.openstack.provider import OpenStack
from onestack.workloads.plan import Observed
from onestack.workloads.plan.values import Address

ROUNDS = 20
"""What refers to something that is left out is left out itself, in the next round. No chain of references is so
long."""
_OF_TENANTS_ONLY = ("router", "server", "volume", "floating ip", "load balancer")


@dataclass(frozen=True)
class Export:
    """`text`: the spec. `warnings`: what is left out of it, or cannot be in any spec."""

    text: str
    warnings: Sequence[str]


def no_tenant(name: str, names: Sequence[str]) -> BadInput:
    """The error for a tenant that is not there."""
    return BadInput(
        f"there is no tenant '{name}'", hint=f"the tenants are: {', '.join(sorted(names)) or 'none'}"
    )


def of(
    cloud: OpenStack,
    *,
    name: str,
    tenant: str | None = None,
    account: str = "",
    addresses: bool = False,
    unlisted: Mapping[str, Collection[str]] | None = None,
    own_cloud: bool = False,
    emit: Emit = silent,
) -> Export:
    """What exists in a cloud. `tenant`: one alone. `name`: of the spec, where no spec owns what there is. `account`:
    the id of the user who exports, whose own roles are left out. `unlisted`: by the keys of the platform's lists, the
    names of what the platform itself makes. `own_cloud`: whether it is one of OneStack's own. Raises BadInput if
    there is no such tenant."""
    with step("collect resources", emit) as at:
        chosen = frozenset({Address("tenant", (tenant,))}) if tenant else frozenset()
        found = cloud.survey(chosen, everything=True)
        at.outcome = f"{len(found)} found"
    tenants = [
        one for one, _ in found if one.address.kind == "tenant" and (not tenant or one.address in chosen)
    ]
    if tenant and not tenants:
        raise no_tenant(tenant, ())
    platform = tenant is None and not cloud.reach.projects
    limits: dict[str, dict[str, str]] = {}
    for kind in cloud.kinds.values():
        limits.setdefault(quota_key(kind.service), {}).update(
            {key: limit.word for key, limit in kind.limits.items()}
        )
    owners = _owners(found, tenants, platform=platform)
    omitted: Mapping[Address, str] = {}
    for _ in range(ROUNDS):
        there = Existing(
            found,
            cloud.kinds,
            tenants=[one.address for one in tenants],
            platform=platform,
            owner=next(iter(owners), None),
            account=account,
            addresses=addresses,
            omitted=omitted,
            limits=limits,
            unlisted=unlisted,
        )
        data = _assembled(cloud.kinds, there, tenants, own_cloud=own_cloud)
        if there.omitted == omitted:
            break
        omitted = dict(there.omitted)
    data = {"version": 1, "name": next(iter(owners), None) or _slug(tenant or name), **data}
    text = exported_text.write(data, there, _head(cloud, there, owners))
    _require_valid(text)
    return Export(text, _warnings(cloud, there, found))


def _owners(
    found: Sequence[tuple[Observed, Any]], tenants: Sequence[Observed], *, platform: bool
) -> list[str]:
    """The specs that own something of what is exported, the one with the most first."""
    inside = {one.address.path[0] for one in tenants}
    counted = Counter(
        one.owner for one, _ in found if one.owner and (platform or one.address.path[0] in inside)
    )
    return [owner for owner, _ in counted.most_common()]


def _assembled(
    kinds: Kinds, there: Existing, tenants: Sequence[Observed], *, own_cloud: bool
) -> dict[str, Any]:
    model = whole()
    data: dict[str, Any] = {}
    if not own_cloud:
        for kind in kinds.values():
            for one in there.all(kind.name) if kind.own_clouds_only else ():
                there.omit(one.address, kind.own_clouds_only)
    if there.platform:
        data |= _section(kinds, there, None, list(model.model_fields))
    tenant_model: Any = model.model_fields["tenants"].annotation
    keys = list(tenant_model.__args__[0].model_fields)
    sections = []
    for one in sorted(tenants, key=lambda one: one.address):
        there.here = one.address
        head = kinds["tenant"].told(one, there, tenant_model.__args__[0])
        if head is not None:
            sections.append(Item(one.address, {**head, **_section(kinds, there, one.address, keys)}))
    if sections:
        data["tenants"] = sections
    if there.used:
        existing = {key: sorted(names) for key, names in sorted(there.used.items())}
        return {"existing": existing, **data}
    return data


def _section(kinds: Kinds, there: Existing, tenant: Address | None, keys: list[str]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for kind in kinds.values():
        parts |= kind.section(there, tenant)
    return {key: parts[key] for key in keys if key in parts}


def _head(cloud: OpenStack, there: Existing, owners: Sequence[str]) -> list[str]:
    """The comments at the top of the file."""
    lines = ["Exported by OneStack from what exists. Secrets and the content of images are not in it."]
    if there.owner is None:
        lines.append("No spec owns these resources yet: `onestack apply FILE --adopt` takes them over.")
    elif len(owners) > 1:
        lines.append(f"Other specs own resources there, which are left out: {', '.join(owners[1:])}.")
    return lines


def _warnings(cloud: OpenStack, there: Existing, found: Sequence[tuple[Observed, Any]]) -> list[str]:
    said = list(there.warnings)
    for address, why in sorted(there.omitted.items()):
        said.append(f"{address} is left out: {why}")
    for name, fault in sorted(cloud.unavailable.items()):
        if not cloud.kinds[name].administrative or there.platform:
            said.append(f"{cloud.kinds[name].key or name} could not be read: {fault.summary}")
    if there.platform:
        of_none = Counter(one.address.kind for one, _ in found if len(one.address.path) == 1)
        for kind in _OF_TENANTS_ONLY:
            if of_none[kind]:
                said.append(f"{of_none[kind]} of kind '{kind}' are in no tenant: a spec cannot say them")
    return said


def _slug(name: str) -> str:
    """A spec's name for one of a cloud or tenant."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-") or "exported"


def _require_valid(text: str) -> None:
    """The file must be a spec; it is a fault of ours where it is not."""
    try:
        loads(text, "(export)")
    except BadSpec as wrong:
        raise PermanentError(
            "the export is not a valid spec, which is a fault of OneStack's",
            detail="\n".join(str(one) for one in wrong.diagnostics) + "\n\n" + text,
        ) from wrong
