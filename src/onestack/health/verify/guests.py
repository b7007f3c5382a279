"""The checks that need guests: one that serves its tenant, and one of another tenant that must not reach it.

Both boot at the same time, since booting takes most of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from openstack.compute.v2.server import Server
from openstack.connection import Connection

from onestack.core.errors import OneStackError, PermanentError
from onestack.core.wait import until
from onestack.health.verify import balancers, guest, hosts, volumes
from onestack.health.verify.outside import Outside, check_outside, tries
from onestack.health.verify.report import Recorder
from onestack.health.verify.tenant_network import Choice, TenantNetwork

ACTIVE_SECONDS = 240.0
"""The time from the request for a server to ACTIVE: two at once under software emulation on a busy machine, with a
margin."""
ANSWER_SECONDS = 180.0
"""The time from ACTIVE to an answer: kernel, DHCP and HTTP under software emulation, with a margin."""
REACH_SECONDS = 240.0
"""The time until the second guest has published what it reached: its own boot, and its attempts."""
CONSOLE_LINES = 15

_HINT_COMPUTE = "onestack logs nova; onestack logs libvirtd"
_HINT_NETWORK = "onestack logs ovn-controller; onestack logs neutron"
_HINT_METADATA = "onestack logs neutron; onestack logs nova"


Explain = Callable[[str], str]
"""Why a server (by id) failed, in a sentence; empty if unknown."""


def unexplained(ident: str) -> str:
    """An `Explain` without an explanation, for callers with a tenant's rights only."""
    return ""


@dataclass(frozen=True)
class Guest:
    """A server and its addresses."""

    owner: TenantNetwork
    server: Server
    private: str
    public: str
    """Its floating IP; empty without one."""

    def evidence(self) -> str:
        """Evidence for the report that this guest failed a check."""
        return evidence(self.owner.tenant.cloud, self.server)


def check_guests(
    record: Recorder,
    admin: Connection,
    near: TenantNetwork,
    far: TenantNetwork,
    choice: Choice,
    token: str,
    services: frozenset[str] = frozenset(),
    explain: Explain = unexplained,
    outside: Outside | None = None,
) -> None:
    """Boot one guest for each tenant, and a second one for load balancing, and run all checks with them. Raises
    OneStackError."""
    public_key = _public_key()
    real = real_guests(admin)
    with record.step("servers", hint=_HINT_COMPUTE) as at:
        compute_hosts = hosts.that_run_guests(admin)
        several = len(compute_hosts) > 1
        options = hosts.apart(near.tenant.cloud, near.tenant.name) if several else {}
        key = near.tenant.cloud.compute.create_keypair(name=f"{near.tenant.name}-key", public_key=public_key)
        first = _address(near)
        second = _address(far)
        script = guest.isolation_script(token, first.public, first.private)
        one = _boot(near, first, choice, guest.identity_script(token) + tries(outside), key.name, **options)
        two = _boot(far, second, choice, script, None)
        booted = [one, two]
        if several:
            # The scheduler places a server apart from those that it knows to run.
            _wait_active(one, explain)
        if real and "load-balancer" in services:
            booted.append(_boot(near, _address(near, public=False), choice, "", None, "companion", **options))
        for each in booted:
            _wait_active(each, explain)
        at.outcome = f"{' and '.join(str(each.server.name) for each in booted)} are ACTIVE"
    if not real:
        why = "Nova's fake driver is in use: its servers have no guests"
        record.leave_out("guest over HTTP, DHCP, metadata, console, isolation", why)
        _try_volumes(record, one, None, token, services)
        return
    with record.step("HTTP through the floating IP", hint=_HINT_NETWORK) as at:
        page = _own_page(one)
        who = guest.facts(page)
        at.outcome = f"http://{one.public}/ answers: {page}"
    with record.check("DHCP", hint=_HINT_NETWORK) as at:
        if who.get("address") != one.private:
            raise PermanentError(f"the guest has the address {who.get('address')!r}, its port {one.private}")
        at.outcome = one.private
    with record.check("metadata and user data", hint=_HINT_METADATA) as at:
        facts = guest.facts(_page(one, guest.REPORT, "the page that the user data script writes"))
        _same("token of the user data", facts.get("token"), token)
        _same("key pair in metadata", facts.get("key"), public_key.split()[1])
        if not facts.get("instance", "").startswith("i-"):
            raise PermanentError(f"metadata gave no instance id: {facts.get('instance')!r}")
        at.outcome = "the script ran; instance id and key pair came from the metadata service"
    check_outside(record, outside, lambda page, what: _page(one, page, what))
    with record.check("console log", hint=_HINT_COMPUTE) as at:
        until(
            f"the guest's line token={token} in the console log",
            lambda: _published(one, f"token={token}"),
            seconds=20,
            every=0.5,
            evidence=one.evidence,
        )
        at.outcome = "has the guest's own lines"
    stored_on = volumes.host_of_files(admin, services)
    if several:
        hosts.check_apart(record, admin, [each.server for each in booted if each.owner is near])
        to = stored_on if stored_on in compute_hosts else compute_hosts[0]
        hosts.check_moved(record, admin, one.server, to, lambda: guest.fetch(one.public)[0])
    if stored_on and stored_on not in compute_hosts:
        record.leave_out("volumes", f"they are files on {stored_on}, which runs no guests")
    else:
        _try_volumes(record, one, one.public, token, services)
    with record.check("second tenant reaches nothing", hint=_HINT_NETWORK) as at:
        page = _page(
            two, guest.REPORT, "the second tenant's guest to report what it reached", seconds=REACH_SECONDS
        )
        facts = guest.facts(page)
        _same("token of the second guest", facts.get("token"), token)
        if facts.get("private") != "blocked":
            raise PermanentError(f"another tenant's guest reached the private address {one.private}")
        if facts.get("public") != "reached":
            raise PermanentError(
                f"another tenant's guest does not reach {one.public} either, so that its failing to reach "
                f"{one.private} proves nothing"
            )
        if facts.get("again") != str(guest.AGAIN):
            raise PermanentError(
                f"another tenant's guest reached {one.public} once, and then {facts.get('again')} of "
                f"{guest.AGAIN} times"
            )
        at.outcome = f"reaches {one.public}, not {one.private}"
    _try_balancer(record, [each for each in booted if each.owner is near], services)


def _try_volumes(
    record: Recorder, one: Guest, public: str | None, token: str, services: frozenset[str]
) -> None:
    """Test volumes; a failure does not end the check."""
    if "block-storage" not in services:
        record.leave_out("volumes", "the cloud has no block storage service")
        return
    with suppress(OneStackError):
        volumes.check_volumes(record, one.owner.tenant.cloud, one.server.id, public, token, one.evidence)


def _try_balancer(record: Recorder, guests: list[Guest], services: frozenset[str]) -> None:
    """Test a balancer of the first tenant in front of its guests; a failure does not end the check."""
    if "load-balancer" not in services:
        record.leave_out("balancer", "the cloud has no load balancing service")
        return
    near = guests[0].owner
    behind = [
        balancers.Member(str(each.server.name).lower(), each.private, near.tenant.cloud, each.server.id)
        for each in guests
    ]
    with suppress(OneStackError):
        balancers.check_balancer(
            record, near.tenant.cloud, near.tenant.name, near.subnet.id, near.external.id, behind
        )


def real_guests(admin: Connection) -> bool:
    """Whether any hypervisor runs real guests (the type of Nova's fake driver is `fake`)."""
    kinds = {str(host.hypervisor_type).lower() for host in admin.compute.hypervisors(details=True)}
    return bool(kinds - {"fake"})


def evidence(cloud: Connection, server: Server) -> str:
    """The server's state, fault and last console lines, in words, as far as they can be read."""
    parts = []
    try:
        now = cloud.compute.get_server(server.id)
        parts.append(f"server {now.name}: {now.status}, task {now.task_state or 'none'}")
        if now.fault:
            parts.append(f"fault: {now.fault.get('message', now.fault)}")
        parts.append(f"console: {_console(cloud, server, CONSOLE_LINES) or '(empty)'}")
    except Exception as error:
        # An error while collecting evidence must not hide the error that it is for.
        parts.append(f"(no further evidence: {error})")
    return "\n".join(parts)


@dataclass(frozen=True)
class _Address:
    port_id: str
    private: str
    public: str


def _address(place: TenantNetwork, *, public: bool = True) -> _Address:
    """Create a port with a floating IP before any server, so that each guest's user data can contain the other's
    addresses."""
    cloud = place.tenant.cloud.network
    port = cloud.create_port(
        name=f"{place.tenant.name}-port",
        network_id=place.network.id,
        fixed_ips=[{"subnet_id": place.subnet.id}],
        security_group_ids=[place.group.id],
    )
    private = port.fixed_ips[0]["ip_address"]
    if not public:
        return _Address(port.id, private, "")
    ip = cloud.create_ip(floating_network_id=place.external.id, port_id=port.id)
    return _Address(port.id, private, ip.floating_ip_address)


def _boot(
    place: TenantNetwork,
    address: _Address,
    choice: Choice,
    script: str,
    key: str | None,
    name: str = "vm",
    **options: Any,
) -> Guest:
    cloud = place.tenant.cloud
    image = cloud.image.find_image(choice.image)
    flavor = cloud.compute.find_flavor(choice.flavor)
    if image is None:
        raise PermanentError(f"there is no image `{choice.image}` that the tenant can see")
    if flavor is None:
        raise PermanentError(f"there is no flavor `{choice.flavor}` that the tenant can see")
    server = cloud.compute.create_server(
        name=f"{place.tenant.name}-{name}",
        image_id=image.id,
        flavor_id=flavor.id,
        networks=[{"port": address.port_id}],
        **({"user_data": guest.encoded(script)} if script else {}),
        **({"key_name": key} if key else {}),
        **options,
    )
    # The response to the creation has no name yet.
    return Guest(place, cloud.compute.get_server(server.id), address.private, address.public)


def _wait_active(booted: Guest, explain: Explain) -> None:
    compute = booted.owner.tenant.cloud.compute

    def state() -> tuple[bool, str]:
        now = compute.get_server(booted.server.id)
        if now.status == "ERROR":
            why = explain(booted.server.id)
            failure = f"server {now.name} went to ERROR" + (f": {why}" if why else "")
            raise PermanentError(failure, detail=booted.evidence())
        return now.status == "ACTIVE", f"{now.status}, task {now.task_state or 'none'}"

    until(
        f"server {booted.server.name} to be ACTIVE",
        state,
        seconds=ACTIVE_SECONDS,
        every=0.5,
        evidence=booted.evidence,
    )


def _page(asked: Guest, page: str, what: str, *, seconds: float = ANSWER_SECONDS) -> str:
    return until(
        what, lambda: guest.fetch(asked.public, page), seconds=seconds, every=0.3, evidence=asked.evidence
    )


def _own_page(asked: Guest) -> str:
    """The page with the server's own name: before it has read its metadata, the guest has the image's name."""
    name = str(asked.server.name).lower()

    def state() -> tuple[bool, str]:
        answered, page = guest.fetch(asked.public)
        named = guest.facts(page).get("hostname", "").partition(".")[0].lower() == name
        return answered and named, page.strip()

    return until(
        f"http://{asked.public}/ to answer as {name}",
        state,
        seconds=ANSWER_SECONDS,
        every=0.3,
        evidence=asked.evidence,
    )


def _published(asked: Guest, words: str) -> tuple[bool, str]:
    log = _console(asked.owner.tenant.cloud, asked.server, None)
    return words in log, f"{len(log.splitlines())} lines without it"


def _console(cloud: Connection, server: Server, lines: int | None) -> str:
    return str(cloud.compute.get_server_console_output(server.id, length=lines).get("output") or "")


def _same(what: str, got: str | None, wanted: str) -> None:
    if got != wanted:
        raise PermanentError(f"{what}: {got!r} instead of {wanted!r}")


def _public_key() -> str:
    """The public half of a new key pair; the private half is not stored: only the arrival of the public one is
    checked."""
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
