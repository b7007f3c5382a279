"""Members of a pool: servers, or addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from onestack.autoscaling import record
from onestack.language.types import Bool, Int, IPAddress, Problem, Section, example
from onestack.language.words import PortNumber, ServerRef
from onestack.workloads.kind.balancer_part import EXAMPLE, NestedPart
from onestack.workloads.kind.base import Limit
from onestack.workloads.kind.existing import Existing, Unsayable
from onestack.workloads.kind.nics import nics
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address, Ref, Value
from onestack.workloads.resources.port import SERVER, of_server


class Member(Section):
    """A server, or an address, that receives requests."""

    model_config = example(EXAMPLE)

    server: ServerRef | None = None
    """The server."""
    address: IPAddress | None = None
    """Instead of a server: an address that the load balancer can reach."""
    port: PortNumber
    """Its port."""
    weight: Annotated[Int, Field(ge=0, le=256)] = 1
    """Its weight; 0: no new requests."""
    backup: Bool = False
    """Whether it is used only if no other member is left."""

    def problems(self) -> Iterator[Problem]:
        if (self.server is None) == (self.address is None):
            yield Problem("a server or an address", "one of 'server' and 'address'", path=("server",))


class Members(NestedPart):
    name, parent_kind, below = "member", "pool", "/lbaas/pools/{}/members"
    model = Member
    after = ("tenant", "port", "server")
    limits = {"members": Limit("member", "Members.")}  # noqa: RUF012
    one, many = "member", "members"
    fields = ("name", "address", "protocol_port", "weight", "backup")
    immutable = frozenset({"address", "protocol_port"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        servers = {server.name: server for server, _ in scope.items("servers")}
        for balancer, parent, place in self.parts(scope):
            for pool in balancer.pools:
                inner = Address("pool", (*parent.path, pool.name))
                for member in pool.members:
                    address: Value = str(member.address)
                    needs: tuple[Address, ...] = ()
                    if member.server:
                        server = servers[member.server]
                        nics = [nic.network for nic in server.networks]
                        at = nics.index(balancer.network) if balancer.network in nics else 0
                        address = Ref(of_server(scope, server, at), "address")
                        needs = (Address("server", (*scope.path, member.server)),)
                    name = f"{member.server or member.address}:{member.port}"
                    fields = {"name": name, "address": address, "protocol_port": member.port}
                    fields |= {"weight": member.weight, "backup": member.backup}
                    yield self.part(inner, name, fields, place, *needs)

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        # It goes by the name that OneStack gives it, whatever somebody else called it.
        if (label := self.label_in.take(dict(raw))) is not None:
            raw["name"] = label.name
        else:
            port = self._port(raw, index)
            server = index.known_by(SERVER, *port.path) if port else None
            raw["name"] = f"{server.path[-1] if server else raw['address']}:{raw['protocol_port']}"
        return super().observe(raw, index)

    def _port(self, raw: dict[str, Any], index: Index) -> Address | None:
        pool = index.address("pool", raw["parent"])
        return index.known_by(pool.path[0] if pool else "", raw["address"])

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        if field != "address":
            return super().value(field, raw, index)
        port = self._port(raw, index)
        return Ref(port, "address") if port else raw["address"]

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        raw, fields = there.raw(one), one.fields
        if any(str(tag).startswith(f"{record.TAG}:") for tag in raw.get("tags") or ()):
            return None  # the autoscaler's
        item = {"port": fields["protocol_port"], "weight": fields["weight"], "backup": bool(fields["backup"])}
        address = fields["address"]
        if not isinstance(address, Ref):
            return {"address": address, **item}
        for server in there.inside("server", Address("tenant", one.address.path[:1])):
            if any(port.address == address.address for port, _ in nics(server, there)):
                return {"server": server.address.path[-1], **item}
        raise Unsayable(f"its address {raw['address']} is that of {address.address}, which no server has")
