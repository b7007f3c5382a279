"""Gives the other control hosts what they need to become the leader (`succession`), whenever it has changed."""

from __future__ import annotations

from functools import partial

from onestack.core.errors import OneStackError
from onestack.core.events import Emit, Event
from onestack.core.graph import Task, execute
from onestack.platform.hosts import cluster, succession
from onestack.platform.hosts.remote import RemoteHost
from onestack.platform.site import Site


def give(found: Site, emit: Emit) -> None:
    """Have each control host that is reached know it. Nothing is asked where nothing has changed since the last time.

    Hosts that are not told are named, and told the next time; nothing fails for them.
    """
    if not (found.leads and found.view.replicated):
        return
    controls = {each.name for each in found.view.controls if each.name != found.here.name}
    given = succession.text(found.paths)
    if succession.is_given(found.paths, given, controls):
        return
    reached: set[str] = set()

    def one(host: RemoteHost) -> None:
        host.succeed(given)
        reached.add(host.name)

    with cluster.reachable(found.paths) as (others, _):
        to = [Task(each.name, partial(one, each)) for each in others if each.name in controls]
        failed = execute(to, workers=max(1, len(to)))
    for error in failed.values():
        # One that has just gone away, or has an older OneStack, is told by the next `up`.
        if not isinstance(error, OneStackError):
            raise error
    succession.remember(found.paths, given, reached)
    if missing := ", ".join(sorted(controls - reached)):
        emit(Event("succession", "noted", f"{missing} could not lead the cloud as it is now: not told"))
