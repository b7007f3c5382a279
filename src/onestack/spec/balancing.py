"""What spreads requests over servers: load balancers, listeners, pools, members, monitors, L7 policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from onestack.language.types import Address, Bool, Int, Number, Problem, Section, Text, example
from onestack.language.words import Named, NetworkRef, PoolRef, PortNumber, ServerRef

_EXAMPLE = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    servers:
      - {name: web-1, image: tiny, flavor: m1.nano, networks: [{network: front}]}
    load_balancers:
      - name: www
        network: front
        pools:
          - name: web
            protocol: HTTP
            members: [{server: web-1, port: 80}]
            monitor: {type: HTTP, delay: 5, timeout: 3, path: /}
        listeners:
          - name: http
            protocol: HTTP
            port: 80
            pool: web
            policies:
              - {name: api, pool: web, rules: [{type: PATH, compare: STARTS_WITH, value: /api}]}
"""

Protocol = Literal["HTTP", "HTTPS", "TCP", "UDP", "PROXY"]


class Member(Section):
    """A server, or an address, that requests go to."""

    model_config = example(_EXAMPLE)

    server: ServerRef | None = None
    """The server."""
    address: Address | None = None
    """In place of a server: an address the balancer reaches."""
    port: PortNumber
    """Its port."""
    weight: Annotated[Int, Field(ge=0, le=256)] = 1
    """Its share; 0: no new requests."""
    backup: Bool = False
    """Whether it is used only when no other is left."""

    def problems(self) -> Iterator[Problem]:
        if (self.server is None) == (self.address is None):
            yield Problem("a server or an address", "one of 'server' and 'address'", path=("server",))


class Monitor(Section):
    """How one knows that a member answers."""

    model_config = example(_EXAMPLE)

    type: Literal["HTTP", "HTTPS", "TCP", "PING", "TLS-HELLO", "UDP-CONNECT"] = "TCP"
    """What is tried."""
    delay: Annotated[Number, Field(ge=1)] = 5
    """Seconds between two tries."""
    timeout: Annotated[Number, Field(ge=1)] = 3
    """Seconds an answer may take."""
    retries: Annotated[Int, Field(ge=1, le=10)] = 3
    """Tries that must succeed, or fail, in a row."""
    path: Text | None = None
    """The path that is asked for, with HTTP."""
    codes: Text | None = None
    """The answers that count as success, with HTTP: `200`, `200-204`."""


class Pool(Named):
    """Members that requests are spread over."""

    model_config = example(_EXAMPLE)

    protocol: Protocol = "HTTP"
    """What is spoken to members."""
    algorithm: Literal["ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP"] = "ROUND_ROBIN"
    """How a member is chosen."""
    members: tuple[Member, ...] = ()
    """The members."""
    monitor: Monitor | None = None
    """How one knows that they answer."""


class L7Rule(Section):
    """What a request must be like."""

    model_config = example(_EXAMPLE)

    type: Literal["HOST_NAME", "PATH", "FILE_TYPE", "HEADER", "COOKIE"]
    """What is looked at."""
    compare: Literal["EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "CONTAINS", "REGEX"] = "EQUAL_TO"
    """How it is compared."""
    value: Text
    """With what."""
    key: Text | None = None
    """The header's or the cookie's name."""
    invert: Bool = False
    """Whether it must not be so."""


class L7Policy(Named):
    """Requests that go elsewhere than the others of a listener."""

    model_config = example(_EXAMPLE)

    rules: tuple[L7Rule, ...] = ()
    """What requests must be like, all of it."""
    pool: PoolRef | None = None
    """The pool they go to."""
    redirect_url: Text | None = None
    """The address they are sent to."""
    position: Annotated[Int, Field(ge=1)] | None = None
    """Its place among the listener's policies."""

    def problems(self) -> Iterator[Problem]:
        if self.pool and self.redirect_url:
            yield Problem("both 'pool' and 'redirect_url'", "one of them, or none: refused", path=("pool",))


class Listener(Named):
    """A port of a load balancer."""

    model_config = example(_EXAMPLE)

    protocol: Protocol = "HTTP"
    """What clients speak."""
    port: PortNumber
    """The port clients reach."""
    pool: PoolRef | None = None
    """Where requests go."""
    policies: tuple[L7Policy, ...] = ()
    """Which requests go elsewhere."""
    connection_limit: Annotated[Int, Field(ge=-1)] | None = None
    """How many connections at a time."""


class LoadBalancer(Named):
    """One address before several servers."""

    model_config = example(_EXAMPLE)

    network: NetworkRef
    """The network its address is in."""
    address: Address | None = None
    """Its address; unless said one that is free."""
    floating_ip: NetworkRef | None = None
    """The external network it is given a public address from."""
    provider: Text | None = None
    """Octavia's provider; unless said the platform's own."""
    pools: tuple[Pool, ...] = ()
    """Where requests may go."""
    listeners: tuple[Listener, ...] = ()
    """Where requests come in."""
    description: Text = ""
    """What it is for."""
