"""NAT for guests, from the cloud's external network to the outside, and what blocks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.host import egress, nat

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site


def translate(site: Site, node: Node, emit: Emit) -> None:
    """Switch NAT for guests on or off, according to the spec.

    If the machine does not allow it, that is a failure only if the spec sets `nat` explicitly; otherwise it is a
    note.
    """
    outer = site.view.cloud.external
    if not outer.nat and nat.read(node.paths) is None:
        return
    with step("guests' outbound access", emit) as at:
        if not outer.nat:
            nat.switch_off(node.paths)
            at.outcome = "closed: platform.network.external.nat is off"
            return
        base = node.layout.base
        try:
            with node.network.entered():
                nat.switch_on(node.paths, base, outer.cidr, isolated=node.choices.isolated)
        except PermanentError as error:
            if site.spec.platform.network.external.nat:
                raise
            at.note(f"guests have no outbound access: {error.summary}")
            return
        missing = obstacles(site, node)
        at.outcome = f"{outer.cidr} is translated" + (f"; but {'; '.join(missing)}" if missing else "")


def require_way(site: Site) -> None:
    """Raises PermanentError where this host has no route to floating IPs, by which it would ask guests."""
    outer = site.view.cloud.external
    if outer.routed_outside and not egress.way(outer.pool_start):
        raise PermanentError(
            f"this host has no route to the floating IPs in {outer.cidr}",
            hint=f"give it a route that leads to the router {outer.gateway}: ip route add {outer.cidr} via …",
        )


def obstacles(site: Site, node: Node) -> list[str]:
    """Why guests do not reach outside networks, in words. Raises PermanentError."""
    with node.network.entered():
        observed = egress.collect(node.layout.base, nat.table(node.paths))
    return egress.obstacles(observed, wanted=site.view.cloud.external.nat)
