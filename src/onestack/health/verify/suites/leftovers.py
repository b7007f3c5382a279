"""Removes what a suite created and what its tests left: in its domain, and elsewhere by unmistakable names.

It reads the cloud's resources, so that it does the same after a completed run and after one that was killed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, cast

from openstack import exceptions
from openstack.block_storage.v3._proxy import Proxy as BlockStorage
from openstack.identity.v3.domain import Domain
from openstack.identity.v3.project import Project

from onestack.core.errors import PermanentError
from onestack.health.verify.removal import Holdings, remove_user
from onestack.health.verify.sdk import identity
from onestack.health.verify.suites import domain, wide
from onestack.health.verify.suites.suite import Stage
from onestack.host.files import replace_private


def record(stage: Stage) -> None:
    """Record what existed before the run. This run removes the rest, or the next one if this one is killed."""
    data: dict[str, Any] = {"wide": wide.existing(stage.admin, stage.services)}
    if "network" in stage.services:
        external = stage.admin.network.find_network(stage.external)
        data["is_default"] = bool(external and external.is_default)
        data["groups"] = [each.id for each in stage.admin.network.security_groups()]
    replace_private(stage.place.state, json.dumps(data))


def remove(stage: Stage) -> list[str]:
    """Remove everything; return a description of each resource. Raises PermanentError if one cannot be removed."""
    recorded = json.loads(stage.place.state.read_text()) if stage.place.state.exists() else None
    keystone = identity(stage.admin)
    found = domain.find(stage.admin, stage.place.suite)
    if recorded is not None and "network" in stage.services:
        _default_network(stage, recorded["is_default"])
    projects = list(keystone.projects(domain_id=found.id)) if found is not None else []
    if recorded is not None:
        projects += wide.left(wide.PROJECTS, wide.PROJECTS.listed(stage.admin), None)
    removed = _projects(stage, list({each.id: each for each in projects}.values()))
    if found is not None:
        removed += _domain(stage, found)
    if recorded is not None:
        removed += _wide(stage, recorded["wide"])
        if "network" in stage.services:
            removed += _orphaned_default_groups(stage, recorded["groups"])
    stage.place.state.unlink(missing_ok=True)
    return removed


def _domain(stage: Stage, found: Domain) -> list[str]:
    keystone = identity(stage.admin)
    removed: list[str] = []
    for user in keystone.users(domain_id=found.id):
        removed += [*remove_user(stage.admin, user.id, stage.services), f"user {user.name}"]
    keystone.update_domain(found, is_enabled=False)
    keystone.delete_domain(found)
    return [*removed, f"domain {found.name}"]


def _projects(stage: Stage, projects: Sequence[Project]) -> list[str]:
    """Remove projects with their resources. A project may use another's shared resources: those are removed last."""
    removed: list[str] = []
    for work in (_groups_and_trunks, _holdings, _shared):
        for project in projects:
            removed += work(stage, project.id)
    for project in projects:
        identity(stage.admin).delete_project(project)
        removed.append(f"project {project.name}")
    return removed


def _groups_and_trunks(stage: Stage, project_id: str) -> list[str]:
    """Remove volume groups and trunks, which keep volumes and ports from being removed."""
    network, storage = stage.admin.network, cast(BlockStorage, stage.admin.block_storage)
    removed: list[str] = []
    if "block-storage" in stage.services:
        groups = storage.groups(all_projects=True, project_id=project_id)
        mine = [each for each in groups if each.project_id == project_id]
        removed += _remove_each("volume group", mine, partial(storage.delete_group, delete_volumes=True))
    if "network" in stage.services:
        removed += _remove_each("trunk", network.trunks(project_id=project_id), network.delete_trunk)
    return removed


def _holdings(stage: Stage, project_id: str) -> list[str]:
    """Remove the resources that projects of any check may have."""
    held = Holdings(stage.admin, project_id, stage.services, everyone=True)
    return [str(resource) for resource in held.remove()]


def _shared(stage: Stage, project_id: str) -> list[str]:
    """Remove the resources that networks and subnets refer to."""
    if "network" not in stage.services:
        return []
    network, mine = stage.admin.network, {"project_id": project_id}
    return [
        *_remove_each("QoS policy", network.qos_policies(**mine), network.delete_qos_policy),
        *_remove_each("subnet pool", network.subnet_pools(**mine), network.delete_subnet_pool),
        *_remove_each("address scope", network.address_scopes(**mine), network.delete_address_scope),
        *_remove_each("address group", network.address_groups(**mine), network.delete_address_group),
    ]


def _wide(stage: Stage, before: dict[str, list[str]]) -> list[str]:
    removed: list[str] = []
    for kind in wide.KINDS:
        if kind.service in stage.services:
            found = wide.left(kind, kind.listed(stage.admin), before)
            removed += _remove_each(kind.word, found, partial(kind.delete, stage.admin))
    return removed


def _orphaned_default_groups(stage: Stage, before: list[str]) -> list[str]:
    """Neutron creates a group `default` for every project id in a request, also for ids that tests invent."""
    network = stage.admin.network
    projects = {each.id for each in identity(stage.admin).projects()}
    found = [
        each
        for each in network.security_groups()
        if each.name == "default" and each.id not in before and each.project_id not in projects
    ]
    return _remove_each("security group", found, network.delete_security_group)


def _default_network(stage: Stage, is_default: bool) -> None:
    """Restore the external network's `is_default`, which the tests need set."""
    network = stage.admin.network
    external = network.find_network(stage.external)
    if external is not None and bool(external.is_default) != is_default:
        network.update_network(external, is_default=is_default)


def _remove_each(word: str, found: Iterable[Any], delete: Callable[[Any], object]) -> list[str]:
    removed: list[str] = []
    for each in list(found):
        try:
            delete(each)
        except exceptions.NotFoundException:
            continue
        except exceptions.SDKException as error:
            raise PermanentError(
                f"{word} {each.name or each.id} could not be removed",
                detail=str(error),
                hint="the next run tries again",
            ) from error
        removed.append(f"{word} {each.name or each.id}")
    return removed
