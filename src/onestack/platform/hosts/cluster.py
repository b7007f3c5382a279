"""The other hosts of a cloud, as commands reach them: those of a spec, or those that the cloud has."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from ruamel.yaml import YAML

from onestack.core.errors import BadInput, Busy, OneStackError
from onestack.core.events import Emit, Event, silent
from onestack.core.graph import Task, complete, execute
from onestack.core.paths import Paths
from onestack.host import facts
from onestack.host.files import replace_private
from onestack.host.machine import LocalMachine, wire
from onestack.platform import site
from onestack.platform.choices import Choices, choices_file
from onestack.platform.hosts import awaiting, joining, known
from onestack.platform.hosts.remote import RemoteHost, connected
from onestack.spec import Spec, load
from onestack.spec.model import Host

LEFT_SECONDS = wire.SILENCE_SECONDS + 10
"""How long another host's lock is waited for at least, in seconds: the agent of a command that was killed, or whose
connection was cut, holds it until it misses its heartbeats."""


def here(spec: Spec) -> str | None:
    """Which host of the spec this machine is; None where the spec has at most one. Raises BadInput.

    With several it must be the control host: the others are reached from there.
    """
    if len(spec.hosts) < 2:
        return None
    control = spec.control_hosts[0]
    if control.address in facts.gather().addresses:
        return control.name
    raise BadInput(
        f"this machine is not the control host: it does not have the address {control.address}",
        where=spec.place_of("hosts", spec.hosts.index(control), "address"),
        hint=f"run the command on {control.name}; from there the other hosts are reached by ssh",
    )


@contextmanager
def joined(
    paths: Paths, spec: Spec, purpose: str, emit: Emit, wait: float, *, leave_unreachable: bool = False
) -> Iterator[list[RemoteHost]]:
    """Connections to the other hosts of a spec, each with the cloud's lock held there. Raises PermanentError.

    `leave_unreachable`: those of the cloud's hosts that cannot be reached, or on which another command works, are
    left out with a note.
    """
    others = _others(spec)
    if not others:
        yield []
        return
    kept = known.load(paths)
    may_stay = {each.name for each in kept.hosts if leave_unreachable or each.given_up} if kept else set()
    if may_stay and wait:
        awaiting.control_hosts([each for each in others if "control" in each.roles], wait, emit)
    judge = joining.Joining(paths, spec, joining.read(LocalMachine(), paths))
    with connected(others, paths, emit, require=judge.require_host) as (found, failed):
        # A control host that boots works until the clusters are formed, for which a majority is needed.
        patient = {each.name for each in (spec.control_hosts if may_stay else spec.hosts)}
        seconds = {each.name: max(wait if each.name in patient else 0, LEFT_SECONDS) for each in found}
        failed |= execute(_holding(found, purpose, seconds, emit), workers=max(1, len(found)))
        wrong = {
            name: error
            for name, error in failed.items()
            if name not in may_stay or isinstance(error, BadInput) or not isinstance(error, OneStackError)
        }
        if wrong:
            raise _together(wrong)
        for name, error in failed.items():
            emit(Event(purpose, "noted", f"left as it is: {error}", host=name))
        yield [each for each in found if each.name not in failed]


def _holding(
    hosts: Sequence[RemoteHost], purpose: str, seconds: Mapping[str, float], emit: Emit
) -> list[Task]:
    """For each host a task that holds the cloud's lock there, and says so where it has to wait for it."""

    def hold(host: RemoteHost) -> None:
        try:
            host.hold(f"onestack {purpose}", 0.0)
        except Busy as busy:
            emit(Event(purpose, "noted", f"{busy}; waiting up to {seconds[host.name]:.0f} s", host=host.name))
            host.hold(f"onestack {purpose}", seconds[host.name])

    return [Task(each.name, partial(hold, each)) for each in hosts]


def _together(failed: Mapping[str, BaseException]) -> BaseException:
    """One error for all hosts that failed; what kept the first one stands first. Wrong input counts before all else,
    since it must be changed."""
    by_kind = sorted(failed.items(), key=lambda each: (not isinstance(each[1], BadInput), each[0]))
    error = by_kind[0][1]
    if isinstance(error, OneStackError) and len(failed) > 1:
        more = [f"{name}: {other}" for name, other in by_kind[1:]]
        error.detail = "\n".join(filter(None, [error.detail, "and:", *more]))
    return error


@contextmanager
def others(
    paths: Paths, purpose: str, emit: Emit, wait: float, *, leave_unreachable: bool = False
) -> Iterator[list[RemoteHost]]:
    """The same for the hosts that the cloud under these paths has; none where it has one, or is led elsewhere.

    `leave_unreachable`: those that cannot be reached are left out, with a note, instead of raising.
    """
    spec = led_from_here(paths)
    if spec is None:
        yield []
        return
    judge = joining.Joining(paths, spec, joining.read(LocalMachine(), paths))
    with connected(_others(spec), paths, emit, require=judge.require_not_anothers) as (found, failed):
        for name, error in failed.items():
            if not (leave_unreachable and isinstance(error, OneStackError)):
                raise _with_way_out(error)
            emit(Event(purpose, "noted", f"left as it is: {error.summary}", host=name))
        seconds = {each.name: max(wait, LEFT_SECONDS) for each in found}
        complete(_holding(found, purpose, seconds, emit), workers=max(1, len(found)))
        yield found


def _with_way_out(error: BaseException) -> BaseException:
    if isinstance(error, OneStackError):
        error.hint = "; ".join(filter(None, [error.hint, "--leave-unreachable goes on without that host"]))
    return error


@contextmanager
def reachable(
    paths: Paths, spec: Spec | None = None
) -> Iterator[tuple[list[RemoteHost], dict[str, BaseException]]]:
    """The other hosts that the cloud has, without their locks; and why those are missing that are, by name.

    `spec`: the cloud's, with this host as the leader, where another one leads it.
    """
    spec = spec or led_from_here(paths)
    with connected(_others(spec) if spec else [], paths, silent, copy=False) as found:
        yield found


def led_from_here(paths: Paths) -> Spec | None:
    """The spec of the cloud of several hosts whose leader this one is; None where there is no such cloud."""
    kept = known.load(paths)
    if kept is None or kept.leader != here_name(paths):
        return None
    try:
        return load(site.spec_file(paths))
    except (OneStackError, OSError, ValueError):
        return None


def _others(spec: Spec) -> list[Host]:
    control = spec.control_hosts[0].name if len(spec.hosts) > 1 else None
    return [one for one in spec.hosts if control and one.name != control]


def forget(paths: Paths, name: str) -> None:
    """Take a host out of the stored spec, by which `up` without a file works."""
    yaml = YAML()
    file = site.spec_file(paths)
    text = yaml.load(file.read_text())
    text["hosts"] = [each for each in text["hosts"] if each["name"] != name]
    written = io.StringIO()
    yaml.dump(text, written)
    replace_private(file, written.getvalue())


def require_same_control_host(paths: Paths, spec: Spec) -> None:
    """Raises BadInput where the spec has another control host than the cloud that this machine has a part of."""
    name = here_name(paths)
    if name is None:
        return
    kept = known.load(paths)
    control = spec.control_hosts[0] if spec.control_hosts else None
    lead = kept.leader if kept else name
    if control is None or control.name == lead or (kept is None and len(spec.hosts) < 2):
        return
    if lead == name and control.address in facts.gather().addresses:
        return  # this machine by another name, which is refused elsewhere
    raise BadInput(
        f"the control host of this cloud is {lead}; the spec gives the role control to {control.name}",
        where=spec.place_of("hosts", spec.hosts.index(control), "roles"),
        hint=f"a cloud cannot move to another control host yet: leave the role with {lead}",
    )


def require_roles(paths: Paths, spec: Spec) -> None:
    """Raises BadInput where the spec takes the role compute from a host of the cloud: its guests stay there."""
    try:
        before = {each.name: each.roles for each in site.load(paths).hosts}
    except (OneStackError, OSError, ValueError):
        return
    for index, host in enumerate(spec.hosts):
        if "compute" in host.roles or "compute" not in before.get(host.name, ()):
            continue
        way = f"`onestack host remove {host.name}` moves its guests away; then `up` takes it on with other roles"
        if host.name == here_name(paths):
            way = "it has the cloud's databases and APIs, and cannot be taken out: leave it the role"
        raise BadInput(
            f"{host.name} runs guests in this cloud; the spec takes the role compute from it",
            where=spec.place_of("hosts", index, "roles"),
            hint=way,
        )


def require_all_hosts(paths: Paths, spec: Spec) -> None:
    """Raises BadInput where a host of the cloud is no longer in the spec: it would be left running."""
    if (stored := led_from_here(paths)) is None:
        return
    names = {each.name for each in spec.hosts}
    # A host that was removed is not in the stored spec.
    gone = [each.name for each in stored.hosts if each.name not in names]
    lead = stored.control_hosts[0].name
    if lead in gone:
        raise BadInput(
            f"the spec lacks {lead}, the control host of the cloud",
            where=spec.place_of("hosts"),
            hint="it has the cloud's databases and APIs, and cannot be taken out",
        )
    if gone:
        raise BadInput(
            f"the cloud has the host{'s' if len(gone) > 1 else ''} {', '.join(gone)}, the spec has not",
            where=spec.place_of("hosts"),
            hint="; ".join(f"`onestack host remove {each}` takes it out of the cloud" for each in gone),
        )


def is_led_elsewhere(paths: Paths) -> bool:
    """Whether this host has a part of a cloud whose leader is another host."""
    kept = known.load(paths)
    return kept is not None and kept.leader != here_name(paths)


def here_name(paths: Paths) -> str | None:
    """What this host is called in its cloud; None where it has none."""
    file = choices_file(paths)
    return Choices.load(file).host if file.exists() else None
