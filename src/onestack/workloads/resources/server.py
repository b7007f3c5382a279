"""Servers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from onestack.core import contract, wait
from onestack.core.errors import PermanentError, Place
from onestack.language.types import Bool, IPAddress, Problem, Section, Text, example
from onestack.language.words import (
    Content,
    Counted,
    FlavorRef,
    ImageRef,
    KeypairRef,
    NetworkRef,
    PortRef,
    SecurityGroupRef,
    ServerGroupRef,
    Texts,
    VolumeRef,
)
from onestack.workloads.kind.base import Limit, Listed, Removal
from onestack.workloads.kind.faults import Fault
from onestack.workloads.kind.ownership import InMetadata
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Collector, Index, Rest, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import UNKNOWN, Address, Ref, Value
from onestack.workloads.resources import keypair, server_healing
from onestack.workloads.resources.aggregate import ZONE
from onestack.workloads.resources.port import SERVER, in_order, of_server
from onestack.workloads.resources.server_told import STATES, USER_DATA, ZONE_FIELD, ToldServers

_NAMES = {ZONE_FIELD: "availability_zone", USER_DATA: "user_data"}
RESIZE_SECONDS = 300.0


_SHOP = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
"""


class Nic(Section):
    """A network interface of a server."""

    model_config = example(
        _SHOP
        + """\
    servers:
      - {name: db, flavor: m1.nano, image: tiny, networks: [{network: front, address: 10.1.0.20}]}
"""
    )

    network: NetworkRef | None = None
    """The network."""
    address: IPAddress | None = None
    """The server's fixed IP address; default: a free one."""
    port: PortRef | None = None
    """Instead of a network: one of the tenant's `ports`."""

    def problems(self) -> Iterator[Problem]:
        if (self.network is None) == (self.port is None):
            yield Problem("a network or a port", "one of 'network' and 'port'", path=("network",))


class Server(Counted):
    """A server: a virtual machine."""

    model_config = example(
        _SHOP
        + """\
    security_groups: [{name: web, rules: [{protocol: tcp, ports: 80}]}]
    server_groups: [{name: apart}]
    routers: [{name: edge, external: public, networks: [front]}]
    servers:
      - name: web-${index}
        count: 3
        image: tiny
        flavor: m1.nano
        networks: [{network: front}]
        security_groups: [web]
        server_group: apart
        floating_ip: public
        metadata: {tier: front}
"""
    )

    flavor: FlavorRef
    """Its flavor."""
    image: ImageRef | None = None
    """The image that it boots from."""
    boot_volume: VolumeRef | None = None
    """Instead of an image: the bootable volume, of `volumes`, that it boots from."""
    networks: tuple[Nic, ...] = ()
    """Its network interfaces, in this order."""
    security_groups: tuple[SecurityGroupRef, ...] | None = None
    """Its security groups; default: the tenant's group `default`."""
    floating_ip: NetworkRef | None = None
    """The external network from which its floating IP is allocated."""
    keypair: KeypairRef | None = None
    """Its SSH key pair."""
    server_group: ServerGroupRef | None = None
    """Its server group."""
    volumes: tuple[VolumeRef, ...] = ()
    """The volumes that are attached to it."""
    user_data: Content | None = None
    """User data for cloud-init: the text, or `file:PATH`."""
    metadata: Texts = Field(default_factory=dict)
    """Its metadata, which the guest can read."""
    healing: server_healing.Wish | None = None
    """What healing does with it. `evacuate`: it is started on another host when its own is lost, built
    anew from its image where its disk was a file there. `restart`: it is started again where it is, and never moved.
    `leave`: nothing. Default: it is moved where its disk and volumes outlive its host."""
    zone: Text | None = None
    """Its availability zone."""
    host: Text | None = None
    """The host that it runs on."""
    config_drive: Bool = False
    """Whether it has a config drive, a disk with its metadata."""
    state: Literal["running", "stopped"] = "running"
    """Whether it is running."""
    description: Text = ""
    """Its description, free text."""

    def problems(self) -> Iterator[Problem]:
        if (self.image is None) == (self.boot_volume is None):
            yield Problem(
                "a server boots from exactly one source", "'image' or 'boot_volume'", path=("image",)
            )
        if self.floating_ip and not self.networks:
            yield Problem("a floating IP without a network", "at least one network", path=("floating_ip",))
        if self.boot_volume and self.boot_volume in self.volumes:
            yield Problem(
                f"'{self.boot_volume}' is its boot volume already", "other volumes", path=("volumes",)
            )
        yield from server_healing.problems(self.metadata, self.healing)


class Servers(ToldServers):
    name, service = "server", "compute"
    key = "servers"
    in_tenant = Listed(Server, "Servers: virtual machines.")
    after = ("tenant", "flavor", "aggregate", "image", "keypair", "port")
    removable = True
    removed_after = ("load balancer",)
    limits = {  # noqa: RUF012
        "instances": Limit("instances", "Servers."),
        "cores": Limit("cores", "Virtual CPUs."),
        "ram": Limit("ram", "Memory, in MiB."),
        "metadata_items": Limit("metadata_items", "Metadata items of one server."),
    }
    path, one, many = "/servers", "server", "servers"
    label_in = InMetadata()
    in_project = True
    asynchronous = True
    existing = {"all_tenants": "1"}  # noqa: RUF012
    unready = {**existing, "status": ("BUILD", "ERROR")}  # noqa: RUF012
    broken = {**existing, "status": "ERROR"}  # noqa: RUF012
    fields = (
        "name",
        "description",
        "metadata",
        "flavor",
        "image",
        "key_name",
        "ports",
        "state",
        "built",
        ZONE_FIELD,
        USER_DATA,
    )
    unordered = frozenset({"ports"})
    immutable = frozenset({"image", "key_name", "ports", "built", ZONE_FIELD, USER_DATA})
    admins_only = frozenset({"host"})

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        ports = [Ref(of_server(scope, item, index)) for index in range(len(item.networks))]
        fields: dict[str, Value] = {
            "flavor": scope.named("flavor", item.flavor),
            "ports": sorted(ports, key=str),
            "metadata": server_healing.metadata(item.metadata, item.healing),
            "state": item.state,
            "built": True,
            **given(item, "description"),
        }
        create_only: dict[str, Value] = {"networks": [{"port": port} for port in ports] or "none"}
        if item.image:
            fields["image"] = scope.named("image", item.image)
        if item.boot_volume:
            volume = scope.named("volume", item.boot_volume)
            create_only["block_device_mapping_v2"] = [
                {"uuid": volume, "source_type": "volume", "destination_type": "volume", "boot_index": 0}
            ]
        if item.keypair:
            fields["key_name"] = keypair.named(scope, item.keypair)
        if item.user_data:
            fields[USER_DATA] = keypair.content(item.user_data)
        if item.zone:
            fields[ZONE_FIELD] = item.zone
        if item.host:
            create_only["host"] = item.host
        if item.config_drive:
            create_only["config_drive"] = True
        if item.server_group:
            create_only["group"] = scope.named("server group", item.server_group)
        # They are attached later; of the boot volume Nova's scheduler knows.
        local = [each for each in item.volumes if scope.spec.volume_host(scope.tenant, each)]
        if local:
            create_only[contract.VOLUME_HINT] = scope.named("volume", local[0])
        # Hosts cannot leave a zone while they have servers: the zone is created first and deleted last.
        zones = [
            Address("aggregate", (each.name,))
            for each, _ in Scope(scope.spec).items("aggregates")
            if each.zone and each.zone == item.zone
        ]
        return self.of_tenant(scope, item.name, place, fields, create_only=create_only, needs=tuple(zones))

    def observe(self, raw: dict[str, Any], index: Index) -> Observed | None:
        observed = super().observe(raw, index)
        zone = index.known_by(ZONE, raw.get(ZONE_FIELD) or "")
        for port in observed.fields["ports"] if observed else ():
            if observed and isinstance(port, Ref):
                index.remember((SERVER, *port.address.path), observed.address)
        return replace(observed, needs=(*observed.needs, zone)) if observed and zone else observed

    def collect(self, collector: Collector) -> Iterable[dict[str, Any]]:
        ports: dict[str, list[str]] = {}
        # In the order in which Nova created them.
        for port in in_order(collector.all("network", "/ports", "ports")):
            ports.setdefault(port["device_id"], []).append(port["id"])
        for raw in collector.all(self.service, "/servers/detail", self.many, all_tenants="1"):
            yield {**raw, "project_id": raw["tenant_id"], "ports": ports.get(raw["id"], [])}

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        if field == "flavor":
            # Nova's response has the flavor's values and not its id, since the flavor may have been deleted.
            name = raw["flavor"].get("original_name")
            # Before microversion 2.47 it has the id.
            return Ref(Address("flavor", (name,))) if name else index.ref("flavor", raw["flavor"]["id"])
        if field == "image":
            return index.ref("image", raw["image"]["id"]) if raw["image"] else None
        if field == "key_name":
            return index.ref("keypair", raw["key_name"])
        if field == "ports":
            return sorted(index.ref("port", raw["ports"]), key=str)
        if field == "state":
            return STATES.get(raw["status"], raw["status"].lower())
        if field == "built":
            # Only administrators see the host.
            ran = raw.get("OS-EXT-SRV-ATTR:host") or raw.get("OS-SRV-USG:launched_at")
            return raw["status"] != "ERROR" or bool(ran)
        if field == USER_DATA:
            # By Nova's own policies only administrators see it.
            return _decoded(raw[field]) if field in raw else UNKNOWN
        return super().value(field, raw, index)

    def uses(
        self, fields: Mapping[str, Value], found: Mapping[Address, Mapping[str, Value]]
    ) -> dict[str, int]:
        flavor = fields.get("flavor")
        size = found.get(flavor.address, {}) if isinstance(flavor, Ref) else {}
        return {"instances": 1, "cores": size.get("vcpus") or 0, "ram": size.get("ram") or 0}

    def create(self, wanted: Wanted, session: Session) -> str:
        body = session.fill({**wanted.fields, **wanted.create_only})
        body["flavorRef"], body["imageRef"] = body.pop("flavor"), body.pop("image", "")
        state, project = body.pop("state"), body.pop("project_id")
        del body["ports"], body["built"]
        hints = {name: body.pop(name) for name in ("group", contract.VOLUME_HINT) if name in body}
        for ours, theirs in _NAMES.items():
            if ours in body:
                body[theirs] = body.pop(ours)
        if "user_data" in body:
            body["user_data"] = base64.b64encode(body["user_data"].encode()).decode()
        self.label_in.put(body, self.label(wanted, session))
        whole = {"server": body} | ({"os:scheduler_hints": hints} if hints else {})
        ident = str(session.rest(self.service, project).post(self.path, whole)["server"]["id"])
        if state == "stopped":
            self.wait_ready(wanted.address, ident, session)
            self._act(session, ident, "os-stop")
        return ident

    def _act(self, session: Session, ident: str, action: str, words: Any = None) -> None:
        session.rest(self.service).post(f"{self.path}/{ident}/action", {action: words})

    def _until(self, address: Address, ident: str, session: Session, status: str) -> None:
        def poll() -> tuple[bool, str]:
            raw = self.get(ident, session) or {}
            return raw.get("status") == status and not raw.get("OS-EXT-STS:task_state"), str(
                raw.get("status")
            )

        wait.until(f"{address} to be {status}", poll, seconds=RESIZE_SECONDS, every=0.5)

    def _resized(self, address: Address, ident: str, session: Session) -> None:
        begun: list[str] = []

        def poll() -> tuple[bool, str]:
            raw = self.get(ident, session) or {}
            status, busy = str(raw.get("status")), raw.get("OS-EXT-STS:task_state")
            if busy:
                begun.append(status)
            elif begun and status in STATES:
                raise PermanentError(
                    f"{address} cannot be resized: Nova failed and restored it",
                    where=self.service,
                    hint="a disk does not shrink: recreate the server, or use a flavor with its disk size",
                )
            return status == "VERIFY_RESIZE" and not busy, status

        wait.until(f"{address} to be resized", poll, seconds=RESIZE_SECONDS, every=0.5)

    def update(self, change: Change, ident: str, session: Session) -> None:
        after = {name: session.fill(value) for name, (_, value) in change.fields.items()}
        rest = session.rest(self.service)
        plain = {name: after[name] for name in ("name", "description") if name in after}
        if plain:
            rest.put(f"{self.path}/{ident}", {"server": plain})
        if "metadata" in after or "owner" in after:
            body = {"metadata": after.get("metadata", {})}
            self.label_in.put(body, self.label(change, session))
            # PUT takes away what is in it no more.
            (rest.put if "metadata" in after else rest.post)(f"{self.path}/{ident}/metadata", body)
        if "flavor" in after:
            was = change.observed.fields["state"] if change.observed else "running"
            self._act(session, ident, "resize", {"flavorRef": after["flavor"]})
            self._resized(change.address, ident, session)
            self._act(session, ident, "confirmResize")
            self._until(change.address, ident, session, "SHUTOFF" if was == "stopped" else "ACTIVE")
        if "state" in after:
            self._turn(change, ident, session, after["state"])

    def _turn(self, change: Change, ident: str, session: Session, state: str) -> None:
        before = change.fields["state"][0]
        if before == "build":  # the apply that created it was killed before it ran
            self.wait_ready(change.address, ident, session)
        ways = {"paused": "unpause", "suspended": "resume", "rescue": "unrescue"}
        if before in ways:
            self._act(session, ident, ways[before])
            self._until(change.address, ident, session, "ACTIVE")
        if before == "error":
            try:
                self._act(session, ident, "os-resetState", {"state": "active"})
                self._until(change.address, ident, session, "ACTIVE")
            except Fault as fault:
                if fault.status != 403:
                    raise
                # An ordinary account may reboot it all the same.
            self._act(session, ident, "reboot", {"type": "HARD"})
            self._until(change.address, ident, session, "ACTIVE")
        if state == "stopped":
            self._act(session, ident, "os-stop")
            self._until(change.address, ident, session, "SHUTOFF")
        elif before == "stopped":
            self._act(session, ident, "os-start")
            self._until(change.address, ident, session, "ACTIVE")

    def removals(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Removal]:
        mine = {"all_tenants": "1", "project_id": project} if everyone else {}
        for raw in rest.all(self.path, self.many, **mine):
            yield Removal(raw["name"], f"{self.path}/{raw['id']}")


def _decoded(text: str | None) -> str | None:
    try:
        return base64.b64decode(text).decode() if text else None
    except (binascii.Error, UnicodeDecodeError):
        return text
