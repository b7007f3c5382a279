"""Restarts one of a cloud's processes on this host, and waits until it answers again."""

from __future__ import annotations

from onestack.core.errors import BadInput
from onestack.core.events import Emit, step
from onestack.platform import layout, readiness
from onestack.platform.site import Site


def restart(site: Site, name: str, emit: Emit) -> None:
    """Stop the process `name` and start it. Raises BadInput where this host has none of that name, Unready."""
    known = {each.name: each for each in layout.processes(site.view)}
    if name not in known:
        raise BadInput(
            f"there is no process '{name}' on this host", hint=f"one of {', '.join(sorted(known))}"
        )
    with step(f"stop {name}", emit):
        site.here.supervisor.stop(name)
    readiness.start(site.here, known[name], emit)
