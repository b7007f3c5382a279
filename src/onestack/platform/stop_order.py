"""The order in which a host's processes stop: the reverse of their declared dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter

from onestack.platform.shape import Need, Process, Step


def rows(processes: Sequence[Process], steps: Iterable[Step]) -> list[list[str]]:
    """The names of processes in rows; those of a row may stop at the same time.

    A process stops when all processes that need it, directly or through steps, have stopped. Raises
    graphlib.CycleError.
    """
    through = {each.name: _names(each.needs) for each in steps}
    names = {each.name for each in processes}
    needs = {each.name: _processes(_names(each.needs), names, through) for each in processes}
    users: dict[str, set[str]] = {name: set() for name in names}
    for name, needed in needs.items():
        for each in needed:
            users[each].add(name)
    order = TopologicalSorter(users)
    order.prepare()
    found: list[list[str]] = []
    while order.is_active():
        row = sorted(order.get_ready())
        found.append(row)
        order.done(*row)
    return found


def _names(needs: Iterable[Need]) -> list[str]:
    # Without the host of a dependency: the processes of other hosts stop there.
    return [each.name for each in needs]


def _processes(needs: Iterable[str], names: set[str], steps: Mapping[str, Iterable[str]]) -> set[str]:
    """The processes among the dependencies, and those that steps among them depend on."""
    found: set[str] = set()
    for need in needs:
        found |= {need} if need in names else _processes(steps.get(need, ()), names, steps)
    return found
