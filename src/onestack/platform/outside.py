"""Guests' way out of the cloud's external network, and what stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.host import egress, nat

if TYPE_CHECKING:
    from onestack.platform.site import Site


def translate(site: Site, emit: Emit) -> None:
    """Have guests' way out as the spec says. The calling thread is in the cloud's network.

    Where the spec does not ask for it, that the machine does not allow it is no failure: it is said.
    """
    outer = site.view.external
    if not outer.nat and nat.read(site.paths) is None:
        return
    with step("guests' way out", emit) as at:
        if not outer.nat:
            nat.switch_off(site.paths)
            at.outcome = "closed: platform.network.external.nat is off"
            return
        base = site.layout.base
        try:
            nat.switch_on(site.paths, base, outer.cidr, isolated=site.choices.isolated)
        except PermanentError as error:
            if site.spec.platform.network.external.nat:
                raise
            at.note(f"guests get no way out: {error.summary}")
            return
        missing = obstacles(site)
        at.outcome = f"{outer.cidr} is translated" + (f"; but {'; '.join(missing)}" if missing else "")


def obstacles(site: Site) -> list[str]:
    """Why guests do not get out of the cloud's network, which the calling thread is in. Raises PermanentError."""
    seen = egress.look(site.layout.base, nat.table(site.paths))
    return egress.obstacles(seen, wanted=site.view.external.nat)
