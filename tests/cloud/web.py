"""An HTTP balancer with a floating IP, and what tests do with it."""

from __future__ import annotations

from typing import Any

from cloud.members import Field, Machine, ask_haproxy, who
from onestack.core.wait import until


class Web:
    """An HTTP balancer, and what tests do with it. Every call returns when the balancer is ACTIVE again."""

    def __init__(self, field: Field, machines: tuple[Machine, ...], **more: Any) -> None:
        self.field = field
        self.api = field.admin.load_balancer
        serving = [
            {"address": each.address, "protocol_port": 80, "subnet_id": field.subnet.id, "name": each.name}
            for each in machines
        ]
        pool = {"name": "web", "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "members": serving}
        listener = {"name": "web", "protocol": "HTTP", "protocol_port": 80, "default_pool": pool}
        self.lb = field.balancer("web", listeners=[listener], **more)
        self.ip = field.floating(self.lb)
        self.listener = next(iter(self.api.listeners(load_balancer_id=self.lb.id)))
        self.pool = next(iter(self.api.pools(loadbalancer_id=self.lb.id)))
        self.members: dict[str, Any] = {each.name: each for each in self.api.members(self.pool.id)}

    def made(self, call: Any, *words: Any, **more: Any) -> Any:
        found = call(*words, **more)
        self.field.active(self.lb.id)
        return found

    def raw(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """A call with what the SDK does not know."""
        answer = getattr(self.api, method)(path, json=body)
        assert answer.status_code < 300, answer.text
        self.field.active(self.lb.id)
        return answer.json()

    def add_pool(self, **more: Any) -> Any:
        return self.made(self.api.create_pool, **{"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", **more})

    def add_member(self, pool: Any, machine: Machine, **more: Any) -> Any:
        return self.made(
            self.api.create_member,
            pool.id,
            **{"address": machine.address, "protocol_port": 80, "subnet_id": self.field.subnet.id, **more},
        )

    def answers(self, names: set[str], seconds: float = 30, times: int = 6, **more: Any) -> None:
        """Wait until exactly these answer."""

        def look() -> tuple[bool, str]:
            try:
                seen = set(who(self.ip, times, **more))
            except OSError as error:
                return False, repr(error)
            return seen == names, str(seen)

        until(f"{names} to answer at {self.ip}", look, seconds=seconds, every=0.1)

    def status(self, kind: str, ident: str, wanted: str, seconds: float = 20) -> None:
        """Wait for an operating status."""

        def look() -> tuple[bool, str]:
            call = getattr(self.api, f"get_{kind}")
            now = call(ident, self.pool.id) if kind == "member" else call(ident)
            return now.operating_status == wanted, now.operating_status

        until(f"the {kind} to be {wanted}", look, seconds=seconds, every=0.2)

    def workers(self) -> list[str]:
        """The process ids of its HAProxy's workers."""
        found: list[str] = []

        def look() -> tuple[bool, str]:
            try:
                text = ask_haproxy(self.field.cloud, self.lb.id, "show proc")
            except OSError as error:
                # One that was just started serves a moment before its master answers.
                return False, repr(error)
            found[:] = [line.split()[0] for line in text.splitlines() if " worker " in line]
            return bool(found), text

        until("HAProxy's master to name its workers", look, seconds=20, every=0.1)
        return found

    def remove(self) -> None:
        self.field.settled(self.lb.id)
        self.api.delete_load_balancer(self.lb.id, cascade=True)
