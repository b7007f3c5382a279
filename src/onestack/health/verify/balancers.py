"""Tests a load balancer as a tenant uses it: two guests behind it, an L7 rule, a member that is drained, a member
that fails. Both guests are on the balancer's own network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from openstack.connection import Connection

from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.health.verify import guest
from onestack.health.verify.report import Recorder

ACTIVE_SECONDS = 90.0
"""How long one change of a balancer may take on a busy machine."""
SEEN_SECONDS = 90.0
"""How long it may take until a change of a member's status is visible: health checks are slow under emulation."""
ROUNDS = 6
"""How many consecutive requests must all be answered by the expected members."""
_REFUSED = "verify-refused"
_HINT = "onestack logs octavia; onestack balancers check"


@dataclass(frozen=True)
class Member:
    """A guest behind the balancer. `address`: the one by which the balancer reaches it. `frozen`: a context in which
    the guest is paused."""

    name: str
    address: str
    cloud: Connection
    server: str

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.cloud.compute.pause_server(self.server)
        try:
            yield
        finally:
            until("the guest to be paused", partial(self._has_status, "PAUSED"), seconds=60, every=0.3)
            self.cloud.compute.unpause_server(self.server)

    def _has_status(self, status: str) -> tuple[bool, str]:
        now = self.cloud.compute.get_server(self.server).status
        return now == status, now


@dataclass(frozen=True)
class Balancer:
    """A balancer with an HTTP listener and one pool."""

    cloud: Connection
    id: str
    public: str
    listener: str
    pool: str
    members: dict[str, str]
    """Name -> id."""

    def settled(self, call: Callable[..., Any], *words: Any, **more: Any) -> Any:
        """Make a change, and wait until it is done."""
        made = call(*words, **more)
        _until_active(self.cloud, self.id)
        return made

    def answered(self, names: set[str], page: str = "") -> None:
        """Wait until all of these members, and no others, answer ROUNDS requests."""

        def state() -> tuple[bool, str]:
            answering = set()
            for _ in range(ROUNDS):
                answered, text = guest.fetch(self.public, page)
                if not answered:
                    return False, text
                answering.add(guest.facts(text).get("hostname", "").partition(".")[0].lower())
            return answering == names, f"answers of {sorted(answering)}"

        until(f"{' and '.join(sorted(names))} to answer", state, seconds=SEEN_SECONDS, every=0.2)

    def wait_status(self, member: str, *wanted: str) -> str:
        """Wait until a member's operating status is one of these."""

        def state() -> tuple[bool, str]:
            now = self.cloud.load_balancer.get_member(self.members[member], self.pool).operating_status
            return now in wanted, now

        return until(f"{member} to be {' or '.join(wanted)}", state, seconds=SEEN_SECONDS, every=0.3)


def check_balancer(
    record: Recorder, cloud: Connection, name: str, subnet: str, external: str, members: list[Member]
) -> None:
    """Test an HTTP balancer in front of two guests, created with a tenant's rights. Raises OneStackError."""
    names = {each.name for each in members}
    last = members[-1]
    with record.step("balancer", hint=_HINT) as at:
        made = make(cloud, name, subnet, external, members)
        made.answered(names)
        for each in members:
            made.wait_status(each.name, "ONLINE")
        at.outcome = f"http://{made.public}/ is answered by {' and '.join(sorted(names))}"
    api = cloud.load_balancer
    with record.step("L7 rule", hint=_HINT) as at:
        policy = made.settled(api.create_l7_policy, listener_id=made.listener, action="REJECT")
        rule = {"type": "PATH", "compare_type": "STARTS_WITH", "rule_value": f"/{_REFUSED}"}
        made.settled(api.create_l7_rule, policy.id, **rule)
        until("the path to be refused", partial(_refused, made.public), seconds=SEEN_SECONDS, every=0.2)
        made.answered(names)
        at.outcome = f"/{_REFUSED} is refused, other paths are not"
    with record.step("drained member", hint=_HINT) as at:
        made.settled(api.update_member, made.members[last.name], made.pool, weight=0)
        made.answered(names - {last.name})
        made.wait_status(last.name, "DRAINING")
        made.settled(api.update_member, made.members[last.name], made.pool, weight=1)
        made.answered(names)
        at.outcome = f"{last.name} gets no new requests at weight 0"
    with record.step("dead member", hint=_HINT) as at:
        with last.frozen():
            made.wait_status(last.name, "ERROR")
            made.answered(names - {last.name})
        made.wait_status(last.name, "ONLINE")
        made.answered(names)
        at.outcome = f"{last.name} got no requests while it did not answer, and does again"


def make(cloud: Connection, name: str, subnet: str, external: str, members: list[Member]) -> Balancer:
    """Create the balancer with listener, pool, members and monitor in one request, and a floating IP."""
    api = cloud.load_balancer
    lb = api.create_load_balancer(
        name=f"{name}-lb",
        vip_subnet_id=subnet,
        listeners=[
            {
                "name": "http",
                "protocol": "HTTP",
                "protocol_port": 80,
                "default_pool": {
                    "name": "guests",
                    "protocol": "HTTP",
                    "lb_algorithm": "ROUND_ROBIN",
                    "members": [
                        {"name": each.name, "address": each.address, "protocol_port": 80} for each in members
                    ],
                    "healthmonitor": {
                        "name": "health",
                        "type": "HTTP",
                        # A guest under emulation on a busy machine needs seconds to answer.
                        "delay": 5,
                        "timeout": 5,
                        "max_retries": 1,
                        "max_retries_down": 2,
                        "url_path": "/health",
                    },
                },
            }
        ],
    )
    _until_active(cloud, lb.id)
    lb = api.get_load_balancer(lb.id)
    ip = cloud.network.create_ip(floating_network_id=external, port_id=lb.vip_port_id)
    pool = next(iter(api.pools(loadbalancer_id=lb.id))).id
    return Balancer(
        cloud,
        lb.id,
        ip.floating_ip_address,
        next(iter(api.listeners(load_balancer_id=lb.id))).id,
        pool,
        {each.name: each.id for each in api.members(pool)},
    )


def _until_active(cloud: Connection, ident: str) -> None:
    def state() -> tuple[bool, str]:
        now = cloud.load_balancer.get_load_balancer(ident).provisioning_status
        if now == "ERROR":
            raise PermanentError("the balancer went to ERROR", hint=f"see: {_HINT}")
        return now == "ACTIVE", now

    until("the balancer to be ACTIVE", state, seconds=ACTIVE_SECONDS, every=0.1)


def _refused(public: str) -> tuple[bool, str]:
    answered, text = guest.fetch(public, _REFUSED)
    return not answered and text.endswith("403"), text
