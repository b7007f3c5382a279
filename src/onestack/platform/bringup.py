"""Brings a cloud up, from scratch or from any partial state. Idempotent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from onestack.core.errors import OneStackError, PermanentError
from onestack.core.events import Emit
from onestack.core.graph import execute, on_each
from onestack.platform.graph import own_tasks, tasks
from onestack.platform.hosts import standing
from onestack.platform.hosts.work import Here, HostWork
from onestack.platform.site import Site


def bring_up(site: Site, hosts: Sequence[HostWork], image: Path, emit: Emit) -> None:
    """Bring up everything that is not up yet.

    `hosts`: all hosts that can be reached, the leader (this one) first. Raises the first cause of failure; what does
    not depend on it is brought up nevertheless.
    """
    on_each(hosts, lambda host: host.prepare(emit))
    # Most tasks only wait: for a process to become ready, or for another host's response.
    failures = execute(tasks(site, hosts, image, emit), workers=12 * len(hosts))
    if failures:
        raise first_cause(failures, alone=len(hosts) == 1)
    on_each(hosts, lambda host: host.finish(emit))


def bring_back(site: Site, emit: Emit) -> None:
    """Bring this host's processes up again, in a cloud whose leader is another host. Raises the first cause of
    failure."""
    chosen = site.here.choices
    for part in (chosen.base, chosen.environment, chosen.runtime, *chosen.trees.values()):
        if not Path(part).exists():
            raise PermanentError(
                f"this host no longer has {part}, which its part of the cloud runs from",
                hint=f"run `onestack up` on the control host {site.lead}: it has the parts fetched again",
            )
    standing.require_member(site)
    here = Here(site)
    here.prepare(emit)
    if failures := execute(own_tasks(site, emit), workers=12):
        raise first_cause(failures)
    here.finish(emit)


def first_cause(failures: Mapping[str, BaseException], *, alone: bool = True) -> BaseException:
    """Combine several failures into one error: the first, with the names of the others.

    `alone`: the cloud has one host, whose name is omitted.
    """
    named = {(key.partition("@")[0] if alone else key): error for key, error in failures.items()}
    name, error = next(iter(named.items()))
    if isinstance(error, (SDKException, ClientException)):
        error = PermanentError(f"{name}: {error}", hint="see the log of that service: `onestack logs`")
    others = [other for other in named if other != name]
    if isinstance(error, OneStackError) and others:
        error.detail = "\n".join(filter(None, [error.detail, f"failed too: {', '.join(others)}"]))
    return error
