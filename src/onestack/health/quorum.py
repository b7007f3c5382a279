"""Which members of the infrastructure services' clusters work together, where there are several control hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onestack.core.errors import OneStackError
from onestack.core.graph import on_each
from onestack.platform import catalogue
from onestack.platform.shape import InfrastructureService
from onestack.platform.site import Site


@dataclass(frozen=True)
class Quorum:
    """The cluster of an infrastructure service: `members` of `size` work together. `problem`: why that is not known
    on this host."""

    service: str
    members: int
    size: int
    problem: str = ""

    @property
    def spare(self) -> int:
        """How many more members it can lose; negative where it has no majority now."""
        return self.members - self.size // 2 - 1


def collect(site: Site) -> tuple[Quorum, ...]:
    """What this host's members say; nothing with one control host, or on a host without the role."""
    view = site.view
    if not view.replicated or not view.control:
        return ()
    found: dict[str, Quorum] = {}

    def ask(service: InfrastructureService) -> None:
        assert service.members is not None
        try:
            members, size = service.members(site, site.here)
            found[service.name] = Quorum(service.name, members, size)
        except (OneStackError, ValueError, LookupError) as error:
            found[service.name] = Quorum(service.name, 0, len(view.controls), str(error))

    asked = [each for each in catalogue.infrastructure(view) if each.members]
    on_each(asked, ask)
    return tuple(found[each.name] for each in asked)


def reasons(found: Sequence[Quorum]) -> list[str]:
    """What is degraded, in words, with what one more loss would cost."""
    words = []
    for each in found:
        if each.problem:
            words.append(f"{each.service}: this host's member does not answer: {each.problem}")
        elif each.spare < 0:
            words.append(
                f"{each.service} has {each.members} of {each.size} members, no majority: it stands still"
            )
        elif each.members < each.size:
            loss = "the next loss stops it" if each.spare == 0 else f"it can lose {each.spare} more"
            words.append(f"{each.service} has {each.members} of {each.size} members: {loss}")
    return words
