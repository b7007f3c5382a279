"""Rules of security groups. A rule has no name and is immutable: it is identified by its content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from onestack.language.types import Bool, Problem, Section, Text, example
from onestack.language.words import (
    AddressGroupRef,
    Cidr,
    Ports,
    SecurityGroupRef,
)
from onestack.workloads.kind.base import Kind, Limit
from onestack.workloads.kind.existing import Existing, Unsayable, without_none
from onestack.workloads.kind.ownership import Inherited
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Collector, Index, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Address, Ref

DEFAULT = "default"
"""The group that Neutron creates in each tenant."""
_DEFAULT = ({"direction": "egress", "ethertype": "IPv4"}, {"direction": "egress", "ethertype": "IPv6"})
UNLIMITED: tuple[dict[str, Any], ...] = ({"direction": "egress"}, {"direction": "egress", "ipv6": True})
"""The same as a spec says them."""
_SIDES = {"remote_group_id": "security group", "remote_address_group_id": "address group"}
_CODES = {"6": "tcp", "17": "udp", "1": "icmp", "ipv6-icmp": "icmpv6", "58": "icmpv6", "icmp6": "icmpv6"}
_ANYWHERE = ("0.0.0.0/0", "::/0")


class Rule(Section):
    """A rule that allows traffic. Traffic that no rule allows is dropped."""

    model_config = example("""\
tenants:
  - name: shop
    security_groups:
      - name: web
        rules:
          - {protocol: tcp, ports: 443}
          - {protocol: tcp, ports: 22, cidr: 192.0.2.0/24}
          - {protocol: icmp}
          - {group: web}                 # anything from its own members
""")

    direction: Literal["ingress", "egress"] = "ingress"
    """`ingress`: to servers. `egress`: from them."""
    protocol: Text | None = None
    """tcp, udp, icmp, or any other protocol's name or number; default: all."""
    ports: Ports = "any"
    """A port (80) or a range (8000-8100), with tcp and udp; for icmp the type."""
    cidr: Cidr | None = None
    """The remote addresses."""
    group: SecurityGroupRef | None = None
    """The security group of remote servers."""
    addresses: AddressGroupRef | None = None
    """The remote address group."""
    ipv6: Bool = False
    """Whether it is for IPv6; `cidr`, if given, decides instead."""

    def problems(self) -> Iterator[Problem]:
        sides = [key for key in ("cidr", "group", "addresses") if getattr(self, key) is not None]
        if len(sides) > 1:
            yield Problem(f"both '{sides[0]}' and '{sides[1]}'", "one other side", path=(sides[1],))
        if self.ports != "any" and self.protocol is None:
            yield Problem("ports without a protocol", "tcp, udp, …", path=("ports",))


class SecurityGroupRules(Kind):
    name, service = "security group rule", "network"
    after = ("security group",)
    limits = {"security_group_rules": Limit("security_group_rule", "Security group rules.")}  # noqa: RUF012
    model = Rule
    path, one = "/security-group-rules", "security_group_rule"
    label_in = Inherited()
    exclusive = True
    deleted_with_parent = True
    fields = (
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        *_SIDES,
    )
    refs = _SIDES
    immutable = frozenset(fields)

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for at, (group, place) in enumerate(scope.items("security_groups")):
            parent = Address("security group", (*scope.path, group.name))
            rules = [
                (self._fields(scope, rule), scope.place("security_groups", at, "rules", index))
                for index, rule in enumerate(group.rules)
            ]
            if group.egress:
                rules += [(dict(rule), place) for rule in _DEFAULT]
            for fields, where in rules:
                address = Address(self.name, (*parent.path, _name(fields)))
                yield Wanted(address, fields, {"security_group_id": Ref(parent)}, (parent,), where)

    def _fields(self, scope: Scope, rule: Any) -> dict[str, Any]:
        version = rule.cidr.version if rule.cidr else 6 if rule.ipv6 else 4
        fields: dict[str, Any] = {"direction": rule.direction, "ethertype": f"IPv{version}"}
        if rule.protocol:
            fields["protocol"] = _CODES.get(rule.protocol.lower(), rule.protocol.lower())
            if version == 6 and fields["protocol"] == "icmp":
                fields["protocol"] = "icmpv6"
        if rule.ports != "any":
            low, _, high = rule.ports.partition("-")
            icmp = str(fields.get("protocol", "")).startswith("icmp")
            fields["port_range_min"] = int(low)
            if high or not icmp:
                fields["port_range_max"] = int(high or low)
        if rule.cidr and str(rule.cidr) not in _ANYWHERE:
            fields["remote_ip_prefix"] = str(rule.cidr)
        if rule.group:
            fields["remote_group_id"] = scope.named("security group", rule.group)
        if rule.addresses:
            fields["remote_address_group_id"] = scope.named("address group", rule.addresses)
        return fields

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        # Groups are listed with their rules.
        for group in relevant_groups(collector, self.name):
            yield from group["security_group_rules"]

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("security group", raw["security_group_id"])

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        parent = self.parent(raw, index)
        if parent is None:
            return None
        fields = {key: self.value(key, raw, index) for key in self.fields}
        fields = {key: value for key, value in fields.items() if value is not None}
        if fields.get("remote_ip_prefix") in _ANYWHERE:
            del fields["remote_ip_prefix"]
        if "protocol" in fields:
            fields["protocol"] = _CODES.get(fields["protocol"], fields["protocol"])
        address = Address(self.name, (*parent.path, _name(fields)))
        return Observed(address, raw["id"], fields, index.owner(parent), (parent,))

    def create(self, wanted: Wanted, session: Session) -> str:
        if any(dict(wanted.fields) == default for default in _DEFAULT):
            # Neutron created it with the group, unless somebody has deleted it.
            group = session.id(wanted.needs[0])
            rules = session.rest(self.service).all(self.path, "security_group_rules", security_group_id=group)
            for raw in rules:
                kept = {key: raw.get(key) for key in self.fields if raw.get(key) is not None}
                if kept == dict(wanted.fields):
                    return str(raw["id"])
        return super().create(wanted, session)

    def update(self, change: Change, ident: str, session: Session) -> None:
        return None

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields, here = one.fields, one.address.path[:-2]
        low, high = fields.get("port_range_min"), fields.get("port_range_max")
        ports = None if low is None else str(low) if high in (None, low) else f"{low}-{high}"
        if low is not None and (low < 1 or (high is not None and high < low)):
            raise Unsayable(f"no spec says its ports or ICMP type and code: {low}, {high}")
        if low is not None and high is not None and str(fields.get("protocol")).startswith("icmp"):
            raise Unsayable("no spec says an ICMP code")
        side = {
            "group": fields.get("remote_group_id"),
            "addresses": fields.get("remote_address_group_id"),
        }
        cidr = fields.get("remote_ip_prefix")
        return without_none(
            direction=fields["direction"],
            protocol=fields.get("protocol"),
            ports=ports,
            cidr=cidr,
            ipv6=fields["ethertype"] == "IPv6" if cidr is None else None,
            **{key: there.name(value, here) for key, value in side.items() if value is not None},
        )


def is_untouched(group: Observed, there: Existing) -> bool:
    """Whether a group `default` has the rules that Neutron gave it."""
    name = group.address.path[-1]
    inside = [{"group": name}, {"group": name, "ipv6": True}]
    rules = there.nested("security group rule", group.address)
    return len(rules) == 4 and all(rule in rules for rule in (*UNLIMITED, *inside))


def _name(fields: Mapping[str, Any]) -> str:
    """`ingress tcp 80 from 10.0.0.0/8`: the whole content of a rule, so that equal rules have the same name."""
    words = [fields["direction"]]
    if fields["ethertype"] == "IPv6":
        words.append("IPv6")
    words.append(str(fields.get("protocol") or "any"))
    low, high = fields.get("port_range_min"), fields.get("port_range_max")
    if low is not None:
        words.append(str(low) if high in (None, low) else f"{low}-{high}")
    side = next((fields[key] for key in ("remote_ip_prefix", *_SIDES) if fields.get(key)), None)
    if side is not None:
        words += ["from" if fields["direction"] == "ingress" else "to"]
        words.append(side.address.path[-1] if isinstance(side, Ref) else str(side))
    return " ".join(words)


def relevant_groups(collector: Collector, kind: str) -> Iterator[dict[str, Any]]:
    """The groups; `default` only if the spec has resources of this kind in it, or lists it, or for an export."""
    spoken = {
        one.path[0].partition("@")[0]
        for one in collector.wanted
        if one.kind == kind and one.path[1] == DEFAULT
    }
    tenants = {raw["id"]: raw["name"] for raw in collector.all("identity", "/projects", "projects")}
    for raw in collector.all("network", "/security-groups", "security_groups"):
        if raw["name"] != DEFAULT or collector.everything or tenants.get(raw["project_id"]) in spoken:
            yield raw
