"""The right of a compute host to run guests, where healing is on: its lease agent renews a lease in etcd.

The agent is a watcher (`platform.watchers`), outside the cloud's namespace. libvirtd is not started before the agent
has renewed the lease and found no fence mark: else a host that comes back would start guests that are being
evacuated from it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onestack.core.events import Emit, step
from onestack.core.paths import Paths
from onestack.core.wait import until
from onestack.platform.infrastructure import etcd
from onestack.platform.shape import COMPUTE, InfrastructureService, Process, Step, leader
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

STEP = "lease"
AGENT = "lease-agent"
"""The agent's name in supervisord."""
SERVING, FENCED, STARTING, LEFT = "serving", "fenced", "starting", "left"
"""States of a host: it may run guests; it has ended them; it may not run them yet; it was stopped in order."""
SECONDS = 120.0
"""How long a host may wait for its right to run guests: until evacuations from it have ended."""
FRESH = 5.0
"""Seconds for which a renewal counts as one of now."""


def now() -> float:
    """Seconds of a clock that goes on while all processes are stopped, and that nobody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> str:
    """Which boot of this host it is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def state_file(paths: Paths) -> Path:
    """Where the agent writes what state its host is in."""
    return paths.run / "lease.json"


def healer_file(paths: Paths) -> Path:
    """Where a healer writes what it saw last."""
    return paths.run / "healer.json"


def read(paths: Paths) -> dict[str, Any]:
    """What the agent wrote last; empty if nothing."""
    try:
        found: dict[str, Any] = json.loads(state_file(paths).read_text())
        return found
    except (OSError, ValueError):
        return {}


def obtain(site: Site, node: Node, emit: Emit) -> None:
    """Start the agent, and wait until this host may run guests. Raises Unready."""
    if node.supervisor.program(AGENT) is not None and (read(node.paths).get("state") != SERVING):
        # What an agent wrote that was killed says nothing of now, unless it goes on from there.
        state_file(node.paths).unlink(missing_ok=True)
    node.supervisor.launch(AGENT)

    def poll() -> tuple[bool, str]:
        found = read(node.paths)
        state = found.get("state", "no answer from etcd")
        marked = f"{node.name} is fenced: its guests are being moved, or `onestack host unfence {node.name}`"
        # An agent that was killed has left its last word.
        age = now() - float(found.get("renewed", 0.0))
        fresh = found.get("boot") == boot() and age < FRESH
        return state == SERVING and fresh, marked if state == FENCED else f"{state}, {age:.0f} s ago"

    with step(STEP, emit):
        until(f"{node.name} to have a lease", poll, seconds=SECONDS, every=0.1, where=node.log(AGENT))


def needs(view: View) -> tuple[str, ...]:
    """What must be done on a host before libvirtd starts."""
    return (STEP,) if etcd.needed(view) else ()


def steps(view: View) -> tuple[Step, ...]:
    if not etcd.needed(view):
        return ()
    return (Step(STEP, obtain, leader(etcd.USERS), roles=COMPUTE),)


def processes(view: View) -> tuple[Process, ...]:
    """None: the agent runs outside the namespace."""
    return ()


SERVICE = InfrastructureService(STEP, processes, steps=steps, steps_alone=True)
