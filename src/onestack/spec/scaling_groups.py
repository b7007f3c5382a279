"""Scaling groups: servers whose number follows the load."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from onestack.autoscaling.any_policy import AnyPolicy
from onestack.autoscaling.policy import GROUP as _GROUP
from onestack.language.quantities import Duration, RateLimit, Share
from onestack.language.types import Bool, Int, Problem, Section, Text, example
from onestack.language.words import (
    Amount,
    Content,
    FlavorRef,
    ImageRef,
    KeypairRef,
    LoadBalancerRef,
    Named,
    NetworkRef,
    PortNumber,
    SecurityGroupRef,
)


class GroupServer(Section):
    """What each member is."""

    model_config = example(_GROUP)

    image: ImageRef
    """What it starts from."""
    flavor: FlavorRef
    """Its size."""
    network: NetworkRef
    """The network it is plugged in."""
    security_groups: tuple[SecurityGroupRef, ...] | None = None
    """What may reach it; unless said the tenant's group `default`."""
    keypair: KeypairRef | None = None
    """The key it lets in."""
    user_data: Content | None = None
    """What cloud-init runs in it: the text, or `file:PATH`."""


class Spread(Section):
    """How members are kept apart."""

    model_config = example(_GROUP + "        spread: {anti_affinity: soft, zones: [nova]}\n")

    anti_affinity: Literal["none", "soft", "hard"] = "soft"
    """Whether members are on different hosts: as far as that can be (`soft`), or always."""
    zones: tuple[Text, ...] = ()
    """The availability zones they are spread over."""


class GroupBalancer(Section):
    """The pool that members are in."""

    model_config = example(
        _GROUP
        + """\
        load_balancer: {name: shop, pool: web, port: 80}
    load_balancers: [{name: shop, network: front, pools: [{name: web}]}]
"""
    )

    name: LoadBalancerRef
    """The load balancer."""
    pool: Text
    """One of its pools."""
    port: PortNumber
    """The port on which members answer."""


class WarmPool(Section):
    """Members made beforehand."""

    model_config = example(_GROUP + "        warm_pool: {size: 2, state: stopped}\n")

    size: Amount = 0
    """How many are kept ready."""
    state: Literal["stopped", "running"] = "stopped"
    """Whether they wait shut off, or running and out of the pool."""


class Health(Section):
    """When a member is replaced."""

    model_config = ConfigDict(
        **example(_GROUP + "        health: {from: [compute], grace: 30s, replace: true}\n"),
        serialize_by_alias=True,
    )

    sources: Annotated[tuple[Literal["compute", "load_balancer"], ...], Field(alias="from")] = ("compute",)
    """Who is asked."""
    grace: Duration = 30.0
    """How long a new member may take before it is judged."""
    replace: Bool = True
    """Whether a member that is not healthy is replaced."""


class ScaleOut(Section):
    """How fast the group grows."""

    model_config = example(_GROUP + "        scale_out: {at_most: 10 per 60s}\n")

    at_most: RateLimit | None = None
    """No more members than this in a time."""


class ScaleIn(Section):
    """How members go."""

    model_config = example(_GROUP + "        scale_in: {stabilize: 300s, drain: 30s, at_most: 1 per 30s}\n")

    stabilize: Duration = 300.0
    """The highest recommendation of so long a time holds."""
    protect: tuple[Text, ...] = ()
    """Members with one of these tags never go by themselves."""
    drain: Duration = 30.0
    """How long a member's open connections are waited for."""
    at_most: RateLimit | None = None
    """No more members than this in a time."""


class Hooks(Section):
    """What is told before a member serves, and before it goes. `http://…` and `https://…` are posted to, in JSON
    (event, group, member, server, address); all else is a command, run on the autoscaler's host as the user nobody,
    with the same in ONESTACK_EVENT, ONESTACK_GROUP and so on."""

    model_config = example(
        _GROUP + '        hooks: {before_serving: "http://172.24.4.1:9000/ready", timeout: 10s}\n'
    )

    before_serving: Text | None = None
    """Until it succeeds the member stays out of the pool; it is tried again and again."""
    before_leaving: Text | None = None
    """Before the member is drained. If it fails, that is said, and the member goes all the same."""
    timeout: Duration = 30.0
    """How long one may take."""

    def problems(self) -> Iterator[Problem]:
        for key in ("before_serving", "before_leaving"):
            said = getattr(self, key)
            if said is None:
                continue
            try:
                empty = not shlex.split(said)
            except ValueError as error:
                yield Problem(f"'{said}' is no command: {error}", "an http(s) URL, or a command", path=(key,))
                continue
            if empty:
                yield Problem(f"'{key}' says nothing", "an http(s) URL, or a command", path=(key,))


class Update(Section):
    """How a changed template reaches the members."""

    model_config = example(_GROUP + "        update: {strategy: rolling, batch: 25%, min_healthy: 90%}\n")

    strategy: Literal["rolling"] = "rolling"
    """In batches."""
    batch: Share = 0.25
    """How much of the group at a time; at least one member."""
    min_healthy: Share = 0.9
    """How much of the group serves at any time."""
    rollback: Bool = True
    """Whether it goes back when new members do not become healthy."""


class ScalingGroup(Named):
    """Servers whose number follows the load. `onestack scale simulate` shows what it would do with a recorded one."""

    model_config = example(
        _GROUP + "        policies: [{type: target, metric: requests_per_second, target: 50}]\n"
    )

    min: Annotated[Int, Field(ge=1, le=1000)] = 1
    """Never fewer members."""
    max: Annotated[Int, Field(ge=1, le=1000)]
    """Never more."""
    server: GroupServer
    """What each member is."""
    spread: Spread = Spread()
    """How they are kept apart."""
    load_balancer: GroupBalancer | None = None
    """The pool they are in."""
    warm_up: Duration = 20.0
    """How long a member takes from its first answer until it counts as serving."""
    warm_pool: WarmPool = WarmPool()
    """Members made beforehand."""
    health: Health = Health()
    """When a member is replaced."""
    policies: tuple[AnyPolicy, ...] = ()
    """What calls for more members or fewer."""
    scale_out: ScaleOut = ScaleOut()
    """How fast it grows."""
    scale_in: ScaleIn = ScaleIn()
    """How members go."""
    update: Update = Update()
    """How a changed template reaches the members."""
    hooks: Hooks = Hooks()
    """What is told before a member serves, and before it goes."""
    suspended: Bool = False
    """Decide and say so, but do nothing."""

    def problems(self) -> Iterator[Problem]:
        if self.min > self.max:
            yield Problem(f"min {self.min} is above max {self.max}", f"at most {self.max}", path=("min",))
        for index, policy in enumerate(self.policies):
            for found in policy.problems_in(self.min, self.max):
                yield replace(found, path=("policies", index, *found.path))
        if "load_balancer" in self.health.sources and self.load_balancer is None:
            yield Problem("health from a load balancer without one", "'load_balancer'", path=("health",))


def problems(groups: tuple[ScalingGroup, ...], pools: dict[str, tuple[str, ...]]) -> Iterator[Problem]:
    """What is wrong between a tenant's groups and its load balancers (`pools`: those of each)."""
    for index, group in enumerate(groups):
        balancer = group.load_balancer
        if balancer is None or balancer.name not in pools or balancer.pool in pools[balancer.name]:
            continue
        yield Problem(
            f"the load balancer '{balancer.name}' has no pool '{balancer.pool}'",
            f"one of {', '.join(pools[balancer.name]) or 'none: list it under its pools'}",
            path=("scaling_groups", index, "load_balancer", "pool"),
        )
