"""Executes a roster's actions by short API calls. It does not wait for long operations: the next cycle observes
them."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from onestack.autoscaling import record
from onestack.autoscaling.autoscaler import hooks
from onestack.autoscaling.autoscaler.collect import Pool
from onestack.autoscaling.decision.roster import Action, MemberState
from onestack.autoscaling.reading import Record
from onestack.core.errors import OneStackError, PermanentError
from onestack.host.netns import Network
from onestack.workloads.kind.faults import Fault
from onestack.workloads.openstack.rest import Rest

THREADS = 8
SETTLE_SECONDS = 10.0
"""How long to wait for a balancer's previous change: Octavia accepts one at a time."""

Outcomes = list[tuple[Action, str, str]]
"""Actions with the member's name and the error, empty on success."""


class Executor:
    """Acts on one group. `rest`: a service's API as a member of the group's project. `network`: where hooks are
    called."""

    def __init__(
        self, group: Record, rest: Callable[[str], Rest], pool: Pool | None, network: Network
    ) -> None:
        self._group = group
        self._rest = rest
        self._pool = pool
        self._network = network

    def execute(self, actions: Sequence[Action], states: Sequence[MemberState]) -> Outcomes:
        """Execute all actions: those on servers in parallel, those on the balancer one after another."""
        by_id = {state.id: state for state in states}
        apart: list[tuple[Action, str, Callable[[], None]]] = []
        for action in actions:
            state = by_id.get(action.id)
            if action.verb == "create":
                names = [f"{self._group.name}-{secrets.token_hex(3)}" for _ in range(action.number)]
                apart += [(action, name, partial(self._create, action, name)) for name in names]
            elif state and action.verb in ("promote", "stop", "delete"):
                apart.append((action, state.name, partial(getattr(self, f"_{action.verb}"), state)))
            elif state and action.verb == "drain" and state.leaving_for is None:
                apart.append((action, state.name, partial(self._mark_leaving, state)))
        outcomes: Outcomes = []
        with ThreadPoolExecutor(THREADS) as threads:
            done = [(action, name, threads.submit(self._tried, body)) for action, name, body in apart]
            outcomes += [(action, name, future.result()) for action, name, future in done]
        return outcomes + self._balancing(actions, by_id)

    @staticmethod
    def _tried(body: Callable[[], None]) -> str:
        try:
            body()
        except OneStackError as error:
            return f"{error.summary} ({error.where})" if error.where else error.summary
        return ""

    # Servers.

    def _create(self, action: Action, name: str) -> None:
        group, template = self._group, self._group.template
        server: dict[str, Any] = {
            "name": name,
            "imageRef": template["image"],
            "flavorRef": template["flavor"],
            "networks": [{"uuid": template["network"]}],
            "metadata": {
                record.GROUP: group.id,
                record.DIGEST: group.digest,
                **({record.WARM: "yes"} if action.warm else {}),
            },
            "tags": [record.TAG],
        }
        if template.get("security_groups"):
            server["security_groups"] = [{"name": each} for each in template["security_groups"]]
        if template.get("user_data"):
            server["user_data"] = base64.b64encode(str(template["user_data"]).encode()).decode()
        if template.get("public_key"):
            server["key_name"] = self._key(str(template["public_key"]))
        if action.zone:
            server["availability_zone"] = action.zone
        body: dict[str, Any] = {"server": server}
        if group.placed.get("server_group"):
            body["os:scheduler_hints"] = {"group": group.placed["server_group"]}
        self._rest("compute").post("/servers", body)

    def _key(self, public: str) -> str:
        """The name of the user's key pair, derived from its content: Nova's key pairs belong to the user who creates
        members."""
        name = f"onestack-{hashlib.sha256(public.encode()).hexdigest()[:16]}"
        try:
            self._rest("compute").post(
                "/os-keypairs", {"keypair": {"name": name, "type": "ssh", "public_key": public}}
            )
        except Fault as fault:
            if fault.status != 409:
                raise
        return name

    def _promote(self, state: MemberState) -> None:
        # Started first, then marked: if it is interrupted in between, the server is stopped again and nothing is
        # lost.
        if state.status == "SHUTOFF":
            self._rest("compute").post(f"/servers/{state.id}/action", {"os-start": None})
        self._rest("compute").delete(f"/servers/{state.id}/metadata/{record.WARM}")

    def _stop(self, state: MemberState) -> None:
        self._rest("compute").post(f"/servers/{state.id}/action", {"os-stop": None})

    def _delete(self, state: MemberState) -> None:
        self._rest("compute").delete(f"/servers/{state.id}")

    def _mark_leaving(self, state: MemberState) -> None:
        hook, failure = self._group.settings.hooks.before_leaving, ""
        if hook and not state.warm:
            failure = self._tried(lambda: self._hook(hook, "before_leaving", state))
        body = {"metadata": {record.GOES: f"{time.time():.3f}"}}
        self._rest("compute").post(f"/servers/{state.id}/metadata", body)
        if failure:
            raise PermanentError(f"the member is removed nevertheless: {failure}")

    def _hook(self, hook: str, event: str, state: MemberState) -> None:
        group = self._group
        payload = {"event": event, "group": group.name, "project": group.project, "member": state.name,
                "server": state.id, "address": state.address}  # fmt: skip
        self._network.call(lambda: hooks.call(hook, payload, group.settings.hooks.timeout))

    def _ready_to_serve(
        self, joins: Sequence[Action], states: dict[str, MemberState], outcomes: Outcomes
    ) -> list[Action]:
        """The members that may start to serve: those without a hook, or whose hook has succeeded."""
        hook = self._group.settings.hooks.before_serving
        if hook is None or not joins:
            return list(joins)

        def call_hook(action: Action) -> str:
            return self._tried(lambda: self._hook(hook, "before_serving", states[action.id]))

        with ThreadPoolExecutor(THREADS) as threads:
            failures = list(threads.map(call_hook, joins))
        outcomes += [(action, action.name, why) for action, why in zip(joins, failures, strict=True) if why]
        return [action for action, why in zip(joins, failures, strict=True) if not why]

    # The balancer.

    def _balancing(self, actions: Sequence[Action], states: dict[str, MemberState]) -> Outcomes:
        pool = self._pool
        if pool is None:
            return []
        rest, path = self._rest("load-balancer"), f"/lbaas/pools/{pool.id}/members"
        outcomes: Outcomes = []

        def one(group: list[Action], body: Callable[[], Any]) -> None:
            def change() -> None:
                self._settled(rest, pool.balancer)
                body()

            why = self._tried(change)
            # The first part of a drain, on the server, was reported already.
            reported = [
                a for a in group if why or not (a.verb == "drain" and states[a.id].leaving_for is None)
            ]
            outcomes.extend((action, action.name, why) for action in reported)

        joins = self._ready_to_serve(
            [action for action in actions if action.verb == "join"], states, outcomes
        )
        if joins:
            members = [self._member(states[action.id]) for action in joins]
            one(joins, lambda: rest.put(f"{path}?additive_only=true", {"members": members}))
        for action in actions:
            state = states.get(action.id)
            if state is None or state.pool_member is None:
                continue
            at = f"{path}/{state.pool_member}"
            if action.verb == "drain" and state.weight:
                one([action], partial(rest.put, at, {"member": {"weight": 0}}))
            elif action.verb == "part":
                one([action], partial(rest.delete, at))
        return outcomes

    def _member(self, state: MemberState) -> dict[str, Any]:
        return {
            "address": state.address,
            "protocol_port": int(self._group.placed["port"]),
            "name": state.name,
            "weight": 1,
            "tags": [f"{record.TAG}:{self._group.id}"],
        }

    @staticmethod
    def _settled(rest: Rest, balancer: str) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            now = rest.get(f"/lbaas/loadbalancers/{balancer}")["loadbalancer"]["provisioning_status"]
            if not str(now).startswith("PENDING"):
                return
            time.sleep(0.1)
