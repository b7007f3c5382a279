"""The switches of a cloud as `up` finds and leaves them: their databases, their ports, the external network."""

from __future__ import annotations

import ipaddress

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.host import egress, nat, network
from onestack.host.command import run
from onestack.platform.parts import switches
from onestack.platform.site import Site


def make_databases(site: Site) -> None:
    """Make OVSDB's files, or bring those of an older release to this one's schema."""
    if "ovsdb" in (running := site.supervisor.programs()) and running["ovsdb"].state == "RUNNING":
        return
    for file, schema in switches.DATABASES.items():
        if not site.outside(file).exists():
            site.inside(["ovsdb-tool", "create", file, schema])
        elif site.inside(["ovsdb-tool", "needs-conversion", file, schema]).strip() == "yes":
            site.inside(["ovsdb-tool", "convert", file, schema], seconds=120)


def configure(site: Site) -> None:
    """Tell OVS who this host is, before ovs-vswitchd is started."""
    site.inside(switches.settings(site.view))
    forget_gone_ports(site)


def forget_gone_ports(site: Site) -> None:
    """Take out of the bridges what has no interface any more, after a boot or a `down`.

    OVS takes an interface that it knows as soon as that is made again. While it does so it writes back the flags
    that it read before: what was set up in between is down again, and stays so.
    """
    there = site.supervisor.program("ovs-vswitchd")
    if there and there.pid:
        return
    interfaces = network.interfaces(site.enter([]))
    if gone := [name for name in site.inside(switches.cards()).split() if name not in interfaces]:
        site.inside(switches.forget(gone))


def join_external(site: Site, emit: Emit) -> None:
    """Have the machine, and a card of it if the spec says so, in the external network. ovs-vswitchd must run."""
    with step("external network of the machine", emit):
        outer = site.view.external
        prefix = ipaddress.ip_network(outer.cidr).prefixlen
        network.join(outer.gateway, prefix, site.view.mtu, site.enter([]))
        ports = [network.PLUGGED, *([outer.interface] if outer.interface else [])]
        site.inside(switches.bridge(site.view, ports))
        if outer.interface:
            run(["ip", "link", "set", outer.interface, "up"])
    translate(site, emit)


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
