"""The hosts on which a spec's servers are to run: those that Placement has, and those of the spec that it lacks.

A host that is not in the cloud yet is asked for its size over ssh. One that cannot be asked is assumed to be as large
as the smallest host that is known. Whatever is not measured is said. Changes nothing on any host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from openstack.connection import Connection

from onestack import capacity
from onestack.capacity.model import Amount
from onestack.core.errors import OneStackError
from onestack.core.graph import Task, execute
from onestack.core.paths import Paths
from onestack.host import facts, hardware
from onestack.host.machine import RemoteMachine, ssh
from onestack.platform import inventories
from onestack.platform.choose import host_name
from onestack.platform.hosts.remote import address
from onestack.spec import Host, Spec

Ask = Callable[[Host], Amount]
"""The size of a host (processors, MiB, GiB). Raises OneStackError if it cannot be asked."""


@dataclass(frozen=True)
class Room:
    """`hosts`: for `capacity.check`. `source`: where they come from. `notes`: what was assumed of which, in words."""

    hosts: list[capacity.Host]
    source: str
    notes: tuple[str, ...] = ()


def of_spec(
    paths: Paths, spec: Spec, running: Sequence[capacity.Host] = (), *, ask: Ask | None = None
) -> Room:
    """The hosts for a spec's servers. `running`: those that Placement has, none where the cloud does not run.

    `ask`: how other machines are asked; None: they are not, since only root may log in to them.
    """
    source = "Placement's inventories" if running else ""
    if fake := capacity.fake_hosts(spec):
        return Room(list(running) or fake, source or "the fake driver's hosts")
    if len(spec.hosts) < 2:
        here = capacity.host(spec, host_name(spec), hardware.size(paths.lib))
        return Room(list(running) or [here], source or "this machine")
    there = {each.name for each in running}
    missing = [each for each in spec.hosts if "compute" in each.roles and each.name not in there]
    sizes, problems = _sizes(paths, missing, ask)
    known = [*sizes.values(), *(_size(each) for each in running)]
    # The smallest, so that what is found to fit does not rest on a guess that was too large.
    assumed = min(known) if known else hardware.size(paths.lib)
    found = [capacity.host(spec, each.name, sizes.get(each.name, assumed)) for each in missing]
    notes = [_note(each, sizes.get(each.name), assumed, problems, bool(running)) for each in missing]
    return Room(
        [*running, *found], source or "the spec's hosts", tuple(note for note in notes if note is not None)
    )


def running(
    paths: Paths, spec: Spec, admin: Connection, found: Sequence[capacity.Host], *, ask: Ask | None = None
) -> Room:
    """The same where the cloud runs; `found`: its hosts as Placement has them. See `of_spec`."""
    if len(spec.hosts) < 2:
        return of_spec(paths, spec, found)
    names = {each.name for each in spec.hosts}
    made = of_spec(paths, spec, inventories.called_as_hosts(admin, found, names), ask=ask)
    notes = not_serving(list(admin.compute.services(binary="nova-compute")))
    return replace(made, notes=(*made.notes, *notes))


def over_ssh(paths: Paths) -> Ask:
    """Asks a host by an agent that comes over the connection: the host needs nothing of ours for it."""

    def ask(host: Host) -> Amount:
        with RemoteMachine(host.name, ssh.command(address(host))) as machine:
            return hardware.of_facts(machine.facts([paths.lib]), paths.lib)

    return ask


def not_serving(services: Sequence[Any]) -> list[str]:
    """Notes on hosts that are counted though they take no new guests. `services`: Nova's nova-compute services."""
    found = []
    for each in sorted(services, key=lambda service: str(service.host)):
        if each.status == "disabled":
            found.append(f"{each.host} takes no new guests (it is drained or disabled); its room is counted")
        elif each.state != "up":
            found.append(f"{each.host} is down; its room is counted")
    return found


def _sizes(
    paths: Paths, hosts: Sequence[Host], ask: Ask | None
) -> tuple[dict[str, Amount], dict[str, BaseException]]:
    """The sizes of those that could be asked, and why the others could not."""
    own = facts.gather().addresses
    found: dict[str, Amount] = {}

    def one(host: Host) -> None:
        if host.address in own:
            found[host.name] = hardware.size(paths.lib)
        elif ask is not None:
            found[host.name] = ask(host)

    failed = execute([Task(each.name, partial(one, each)) for each in hosts], workers=max(1, len(hosts)))
    for error in failed.values():
        if not isinstance(error, OneStackError):
            raise error
    return found, dict(failed)


def _size(host: capacity.Host) -> Amount:
    vcpus, memory, disk = (each.total for each in host.inventories)
    return vcpus, memory, disk


def _note(
    host: Host, size: Amount | None, assumed: Amount, problems: dict[str, BaseException], running: bool
) -> str | None:
    counted = f"{host.name} is not in the cloud yet; `onestack up` takes it on" if running else ""
    if size is not None:
        return counted or None
    why = (
        f"could not be asked ({problems[host.name]})"
        if host.name in problems
        else "was not asked (as root it is)"
    )
    vcpus, memory, disk = assumed
    guess = f"{host.name} {why}: assumed to have {vcpus} processors, {memory:,} MiB, {disk:,} GiB"
    return f"{counted}; {guess}" if counted else guess
