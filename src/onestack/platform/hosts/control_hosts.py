"""Which changes of a cloud's control hosts a file may ask for: more of them, but neither fewer nor others.

Each has a member of the databases' clusters. A file that names other control hosts says nothing of what becomes of
those members; a command does. All is checked before anything is changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.platform.hosts import cluster
from onestack.spec import Spec


def require(paths: Paths, spec: Spec) -> None:
    """Raises BadInput where the spec lacks a control host of the cloud that this machine leads."""
    stored = cluster.led_from_here(paths)
    if stored is not None and (wrong := obstacle(_names(stored), spec)):
        raise wrong


def obstacle(before: Sequence[str], spec: Spec) -> BadInput | None:
    """What is wrong with a spec's control hosts. `before`: those of the cloud, the leader first. Pure."""
    wanted = _names(spec)
    gone = [each for each in before if each not in wanted]
    new = [each for each in wanted if each not in before]
    if before[0] in wanted and wanted[0] != before[0]:
        return BadInput(
            f"the spec's first control host is {wanted[0]}; {before[0]} leads the cloud",
            where=spec.place_of("hosts"),
            hint=f"list {before[0]} before the other control hosts",
        )
    if not gone or before[0] in gone:
        return None  # a missing leader is refused elsewhere
    where = spec.place_of("hosts")
    if len(wanted) < len(before):
        return BadInput(
            f"the cloud has {len(before)} control hosts, the spec {len(wanted)}: {_and(gone)}"
            f" {'has' if len(gone) == 1 else 'have'} copies of its databases, and a cloud does not go back to fewer",
            where=where,
            hint=f"leave {_and(gone)} the role control; `onestack host replace {gone[0]} --with HOST` puts another"
            " host in its place",
        )
    return BadInput(
        f"the spec has the control host {_and(new)} in place of {_and(gone)}",
        where=where,
        hint=f"`onestack host replace {gone[0]} --with {new[0]} {spec.file}` does that; one at a time",
    )


def unremovable(name: str, controls: Sequence[str], lead: str) -> BadInput | None:
    """Why a host cannot be taken out of the cloud without another one in its place. `controls`: the names of the
    control hosts. Pure."""
    if name == lead:
        return BadInput(
            f"{name} leads the cloud: it cannot be removed",
            hint="`onestack destroy` removes the cloud",
        )
    if name in controls:
        left = len(controls) - 1
        return BadInput(
            f"{name} is a control host, and {left} would be left: {left} bear the loss of no more of them than"
            f" {left - 1}",
            hint=f"`onestack host replace {name} --with HOST FILE` puts another host in its place",
        )
    return None


def unreplaceable(name: str, other: str, before: Spec, wanted: Spec) -> BadInput | None:
    """Why `other` cannot take the place of the control host `name`. `before`: the cloud's spec; `wanted`: that with
    the new host. Pure."""
    was, will = {each.name: each for each in before.hosts}, {each.name: each for each in wanted.hosts}
    controls = _names(before)
    there = wanted.place_of("hosts")
    if name not in was:
        return BadInput(f"this cloud has no host '{name}'", hint=f"it has {', '.join(was)}")
    if name == controls[0]:
        return BadInput(
            f"{name} leads the cloud: it cannot be replaced",
            hint="switch it off, and run `onestack recover` on another control host: that one leads the cloud then",
        )
    if name not in controls:
        return BadInput(
            f"{name} is no control host",
            hint=f"`onestack host remove {name}` takes it out; `up` with {other} in the file takes that one on",
        )
    if other in controls:
        return BadInput(f"{other} is a control host of the cloud already", hint="name another one")
    if name in will:
        return BadInput(f"the file still has {name}", where=there, hint=f"put {other} in its place there")
    if other not in will or "control" not in will[other].roles:
        return BadInput(
            f"the file has no host {other} with the role control",
            where=there,
            hint=f"list {other} there in place of {name}",
        )
    differ = sorted(set(was) - set(will) - {name}) + sorted(set(will) - set(was) - {other})
    if differ or set(_names(wanted)) != {*controls, other} - {name}:
        return BadInput(
            f"the file changes more than {name}" + (f": {_and(differ)}" if differ else "'s place"),
            where=there,
            hint="change the rest by `up` before or after",
        )
    if wanted.control_hosts[0].name != controls[0]:
        return obstacle(controls, wanted)
    if wanted.platform != before.platform:
        return BadInput(
            "the file changes the platform, too",
            where=wanted.place_of("platform"),
            hint="change that by `up` before or after",
        )
    return None


def _names(spec: Spec) -> list[str]:
    return [each.name for each in spec.control_hosts]


def _and(names: Sequence[str]) -> str:
    return ", ".join(names)
