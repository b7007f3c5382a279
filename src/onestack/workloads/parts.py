"""A file over several clouds, as a spec for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from onestack.core.errors import BadInput, Place
from onestack.language.diagnostics import BadSpec, Diagnostic
from onestack.language.source import Path, Places, Source
from onestack.spec import Spec
from onestack.spec.clouds import HERE
from onestack.workloads.kind.discovery import kinds
from onestack.workloads.kind.scope import scopes
from onestack.workloads.plan.model import Wanted
from onestack.workloads.plan.values import Address
from onestack.workloads.wanted import wanted

Everything = Mapping[Address, Wanted]


def split(spec: Spec) -> dict[str, Spec]:
    """The part of each cloud, in the order of the file. Raises BadSpec.

    It has the cloud's tenants and what they use of what tenants share; in the cloud `here` all of the latter. That a
    part refers to a tenant of another one is an error, and so is what tenants share and no part has.
    """
    everything = {one.address: one for one in wanted(spec)}
    used = {name: _used(_of_cloud(spec, name), everything) for name in spec.clouds}
    wrong = [*_crossing(spec, used), *_nowhere(everything, used)]
    if wrong:
        raise BadSpec("the file cannot be divided among its clouds", wrong)
    return {name: _part(spec, name, used[name]) for name in spec.clouds}


def own(spec: Spec) -> Spec:
    """The part of a file that is this machine's cloud's: all, if it lists no clouds. Raises BadSpec, BadInput."""
    if not spec.clouds:
        return spec
    local = next((name for name, entry in spec.clouds.items() if entry.local), None)
    if local is None:
        raise BadInput(
            "no cloud of the file is this machine's",
            where=spec.place_of("clouds"),
            hint="list it under 'clouds': here: {local: true}",
        )
    return split(spec)[local]


def _of_cloud(spec: Spec, name: str) -> Spec:
    """The spec with the tenants of one cloud alone."""
    return spec.model_copy(update={"tenants": tuple(spec.tenants[at] for at in _tenants(spec, name))})


def _tenants(spec: Spec, name: str) -> list[int]:
    return [at for at, one in enumerate(spec.tenants) if (one.cloud or HERE) == name]


def _crossing(spec: Spec, used: Mapping[str, set[Address]]) -> Iterator[Diagnostic]:
    """What refers to a tenant of another cloud, or to something in it."""
    homes: dict[Address, set[str]] = {}
    found: list[tuple[set[str], Wanted]] = []
    for scope in scopes(spec):
        for one in (one for kind in kinds().values() for one in kind.wanted(scope)):
            if scope.tenant is not None:
                home = spec.tenants[int(scope.steps[1])].cloud or HERE
                homes.setdefault(one.address, set()).add(home)
                found.append(({home}, one))
            else:
                # An item with what belongs to it: a flavor, and the tenants that may use it.
                item = {one.address, *one.dependencies}
                found.append(({name for name in spec.clouds if name == HERE or item & used[name]}, one))
    for clouds, one in found:
        for other in sorted(one.dependencies & homes.keys(), key=str):
            for name in sorted(clouds - homes[other]):
                there = " and ".join(sorted(homes[other]))
                yield Diagnostic(
                    "error",
                    f"{one.address} in the cloud '{name}' refers to {other}, which is in the cloud '{there}'",
                    "",
                    one.place,
                    "what refers to each other must be in one cloud",
                )


def _nowhere(everything: Everything, used: Mapping[str, set[Address]]) -> Iterator[Diagnostic]:
    """What tenants share, and no tenant uses, in a file without a cloud `here`."""
    for one in everything.values() if HERE not in used else ():
        if not any(one.address in each for each in used.values()):
            summary = f"no tenant uses {one.address}"
            yield Diagnostic(
                "error", summary, "", one.place, f"a cloud called '{HERE}' has all that is shared"
            )


def _part(spec: Spec, name: str, used: set[Address]) -> Spec:
    kept = {"tenants": _tenants(spec, name)}
    for kind in kinds().values() if name != HERE else ():
        if kind.in_platform:
            listed = enumerate(getattr(spec, kind.key))
            kept[kind.key] = [at for at, item in listed if Address(kind.name, (item.name,)) in used]
    lists = {key: tuple(getattr(spec, key)[at] for at in indices) for key, indices in kept.items()}
    part = spec.model_copy(update={"clouds": {}, **lists})
    whole = spec._source
    places = _Moved(whole.places.file, whole.places.values, whole.places.keys, kept)
    part._source = Source(whole.data, places, whole.diagnostics)
    return part


def _used(spec: Spec, everything: Everything) -> set[Address]:
    """All that tenants consist of and refer to."""
    found: set[Address] = set()
    left = [Address("tenant", scope.path) for scope in scopes(spec) if scope.tenant]
    inside = {each.path[0] for each in left}
    left += [each for each in everything if len(each.path) > 1 and each.path[0] in inside]
    while left:
        address = left.pop()
        if address in everything and address not in found:
            found.add(address)
            left += everything[address].dependencies
    return found


@dataclass
class _Moved(Places):
    """The positions of a file, asked for in the order of a part. `kept`: by the key of a list, the indices in the
    file of the items that the part has."""

    kept: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def value(self, *path: str | int) -> Place:
        return super().value(*self._in_file(path))

    def key(self, *path: str | int) -> Place:
        return super().key(*self._in_file(path))

    def _in_file(self, path: Path) -> Path:
        if len(path) > 1 and (kept := self.kept.get(str(path[0]))) is not None and isinstance(path[1], int):
            return (path[0], kept[path[1]], *path[2:])
        return path
