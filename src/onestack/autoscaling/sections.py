"""The sections of a scaling group in the spec, which the kind's model puts together and decisions read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from onestack.autoscaling.policy import GROUP as _GROUP
from onestack.language.quantities import Duration, RateLimit, Share
from onestack.language.types import Bool, Problem, Section, Text, example
from onestack.language.words import (
    Amount,
    Content,
    FlavorRef,
    ImageRef,
    KeypairRef,
    LoadBalancerRef,
    NetworkRef,
    PortNumber,
    SecurityGroupRef,
)


class GroupServer(Section):
    """The template of members."""

    model_config = example(_GROUP)

    image: ImageRef
    """The image that it boots from."""
    flavor: FlavorRef
    """Its flavor."""
    network: NetworkRef
    """The network that it is attached to."""
    security_groups: tuple[SecurityGroupRef, ...] | None = None
    """Its security groups; default: the tenant's group `default`."""
    keypair: KeypairRef | None = None
    """Its SSH key pair."""
    user_data: Content | None = None
    """User data for cloud-init: the text, or `file:PATH`."""


class Spread(Section):
    """How members are spread over hosts and availability zones."""

    model_config = example(_GROUP + "        spread: {anti_affinity: soft, zones: [nova]}\n")

    anti_affinity: Literal["none", "soft", "hard"] = "soft"
    """Whether members run on different hosts: if possible (`soft`), or always (`hard`)."""
    zones: tuple[Text, ...] = ()
    """The availability zones they are spread over."""


class GroupBalancer(Section):
    """The load balancer pool that members are added to."""

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
    """Members that are created in advance."""

    model_config = example(_GROUP + "        warm_pool: {size: 2, state: stopped}\n")

    size: Amount = 0
    """How many are kept ready."""
    state: Literal["stopped", "running"] = "stopped"
    """Whether they are kept shut off, or running outside the pool."""


class Health(Section):
    """When a member is replaced."""

    model_config = ConfigDict(
        **example(_GROUP + "        health: {from: [compute], grace: 30s, replace: true}\n"),
        serialize_by_alias=True,
    )

    sources: Annotated[tuple[Literal["compute", "load_balancer"], ...], Field(alias="from")] = ("compute",)
    """Where a member's health is read: Nova (`compute`), Octavia (`load_balancer`)."""
    grace: Duration = 30.0
    """How long after its start a new member's health is not yet evaluated."""
    replace: Bool = True
    """Whether a member that is not healthy is replaced."""


class ScaleOut(Section):
    """How fast the group grows."""

    model_config = example(_GROUP + "        scale_out: {at_most: 10 per 60s}\n")

    at_most: RateLimit | None = None
    """The rate limit: at most this many members per period."""


class ScaleIn(Section):
    """How the group shrinks."""

    model_config = example(_GROUP + "        scale_in: {stabilize: 300s, drain: 30s, at_most: 1 per 30s}\n")

    stabilize: Duration = 300.0
    """Stabilization window: the highest recommendation within it counts."""
    protect: tuple[Text, ...] = ()
    """Members with one of these tags are never removed by scaling in."""
    drain: Duration = 30.0
    """How long a member that is being removed may finish its open connections."""
    at_most: RateLimit | None = None
    """The rate limit: at most this many members per period."""


class Hooks(Section):
    """What is called before a member serves, and before it is removed. An http(s) URL receives a POST in JSON (event,
    group, member, server, address); anything else is a command, run on the autoscaler's host as the user nobody,
    with the same values in ONESTACK_EVENT, ONESTACK_GROUP and so on."""

    model_config = example(
        _GROUP + '        hooks: {before_serving: "http://172.24.4.1:9000/ready", timeout: 10s}\n'
    )

    before_serving: Text | None = None
    """The member is added to the pool only after this succeeds; it is retried until then."""
    before_leaving: Text | None = None
    """Called before the member is drained. A failure is reported, and the member is removed all the same."""
    timeout: Duration = 30.0
    """How long one call may take."""

    def problems(self) -> Iterator[Problem]:
        for key in ("before_serving", "before_leaving"):
            hook = getattr(self, key)
            if hook is None:
                continue
            try:
                empty = not shlex.split(hook)
            except ValueError as error:
                yield Problem(
                    f"'{hook}' is not a command: {error}", "an http(s) URL, or a command", path=(key,)
                )
                continue
            if empty:
                yield Problem(f"'{key}' is empty", "an http(s) URL, or a command", path=(key,))


class Update(Section):
    """How members are updated when `server` changes."""

    model_config = example(_GROUP + "        update: {strategy: rolling, batch: 25%, min_healthy: 90%}\n")

    strategy: Literal["rolling"] = "rolling"
    """In batches."""
    batch: Share = 0.25
    """The share of the group that is replaced at a time; at least one member."""
    min_healthy: Share = 0.9
    """The share of the group that serves at any time."""
    rollback: Bool = True
    """Whether the update is rolled back when new members do not become healthy."""
