"""Health monitors of pools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from onestack.language.types import Int, Number, Section, Text, example
from onestack.workloads.kind.balancer_part import EXAMPLE, BalancerPart
from onestack.workloads.kind.base import Limit
from onestack.workloads.kind.existing import Existing, without_none
from onestack.workloads.kind.scope import Scope
from onestack.workloads.kind.session import Index
from onestack.workloads.plan.model import Observed, Wanted
from onestack.workloads.plan.values import Address

NAME = "monitor"


class Monitor(Section):
    """How members are checked."""

    model_config = example(EXAMPLE)

    type: Literal["HTTP", "HTTPS", "TCP", "PING", "TLS-HELLO", "UDP-CONNECT"] = "TCP"
    """The type of the check."""
    delay: Annotated[Number, Field(ge=1)] = 5
    """Seconds between two checks."""
    timeout: Annotated[Number, Field(ge=1)] = 3
    """The timeout of a check, in seconds."""
    retries: Annotated[Int, Field(ge=1, le=10)] = 3
    """Consecutive checks that must succeed, or fail, before the status changes."""
    path: Text | None = None
    """The path of the request, with HTTP."""
    codes: Text | None = None
    """The status codes that count as success, with HTTP: `200`, `200-204`."""


class Monitors(BalancerPart):
    name, parent_kind, parent_key = "health monitor", "pool", "pool_id"
    model = Monitor
    limits = {"health_monitors": Limit("health_monitor", "Health monitors.")}  # noqa: RUF012
    path, one, many = "/lbaas/healthmonitors", "healthmonitor", "healthmonitors"
    fields = ("type", "delay", "timeout", "max_retries", "url_path", "expected_codes")
    immutable = frozenset({"type"})

    def wanted(self, scope: Scope) -> Iterator[Wanted]:
        for balancer, parent, place in self.parts(scope):
            for pool in balancer.pools:
                if monitor := pool.monitor:
                    fields = {
                        "type": monitor.type,
                        "delay": int(monitor.delay),
                        "timeout": int(monitor.timeout),
                        "max_retries": monitor.retries,
                    }
                    fields |= {"url_path": monitor.path} if monitor.path else {}
                    fields |= {"expected_codes": monitor.codes} if monitor.codes else {}
                    yield self.part(Address("pool", (*parent.path, pool.name)), NAME, fields, place)

    def parent(self, raw: dict[str, Any], index: Index) -> Address | None:
        return index.address("pool", raw["pools"][0]["id"] if raw.get("pools") else None)

    def own_path(self, raw: dict[str, Any], index: Index, name: str) -> tuple[str, ...]:
        # A pool has one at most, and most have no name.
        return super().own_path(raw, index, NAME)

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        fields = one.fields
        http = fields["type"] in ("HTTP", "HTTPS")
        return without_none(
            type=fields["type"],
            delay=fields["delay"],
            timeout=fields["timeout"],
            retries=fields["max_retries"],
            path=fields["url_path"] if http else None,
            codes=fields["expected_codes"] if http else None,
        )
