"""Gives the other control hosts what they need to become the leader (`succession`), whenever it has changed."""

from __future__ import annotations

from onestack.core.events import Emit, Event
from onestack.core.graph import on_each
from onestack.platform.hosts import cluster, succession
from onestack.platform.site import Site


def give(found: Site, emit: Emit) -> None:
    """Have each control host that is reached know it. Nothing is asked where nothing has changed since the last time.

    Nobody else knows what this host alone has until then: hosts that are not reached are named.
    """
    if not (found.leads and found.view.replicated):
        return
    controls = {each.name for each in found.view.controls if each.name != found.here.name}
    given = succession.text(found.paths)
    if succession.is_given(found.paths, given, controls):
        return
    with cluster.reachable(found.paths) as (others, _):
        to = [each for each in others if each.name in controls]
        on_each(to, lambda host: host.succeed(given))
    reached = {each.name for each in to}
    succession.remember(found.paths, given, reached)
    if missing := ", ".join(sorted(controls - reached)):
        emit(Event("succession", "noted", f"{missing} could not lead the cloud as it is now: not reached"))
