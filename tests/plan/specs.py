"""Random valid specs, for properties that hold for all of them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from onestack import spec
from onestack.spec import Spec

FLAVORS = ("m1.nano", "m1.small", "own")


@st.composite
def tenants(draw: st.DrawFn, name: str, servers_at_most: int, roomy: bool) -> dict[str, Any]:
    """A tenant whose names all lead somewhere."""
    networks = [f"net-{n}" for n in range(draw(st.integers(1, 2)))]
    groups = [f"group-{n}" for n in range(draw(st.integers(0, 2)))]
    users = [f"{name}-user-{n}" for n in range(draw(st.integers(0, 2)))]
    roles = st.lists(st.sampled_from(["member", "reader"]), unique=True, max_size=2)
    ports = st.sampled_from([22, 80, 443])
    rule = st.one_of(
        st.fixed_dictionaries({"protocol": st.just("tcp"), "ports": ports}),
        *([st.fixed_dictionaries({"group": st.sampled_from(groups)})] if groups else []),
    )
    servers = []
    for n in range(draw(st.integers(0, servers_at_most))):
        server: dict[str, Any] = {
            "name": f"server-{n}",
            "image": "tiny",
            "flavor": draw(st.sampled_from(FLAVORS)),
            "networks": [{"network": net} for net in networks[: draw(st.integers(1, len(networks)))]],
            "metadata": draw(st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=2)),
            "state": draw(st.sampled_from(["running", "stopped"])),
        }
        if groups and draw(st.booleans()):
            server["security_groups"] = [draw(st.sampled_from(groups))]
        if draw(st.booleans()):
            server["floating_ip"] = "public"
        servers.append(server)
    limits = st.sampled_from([-1, 20000]) if roomy else st.integers(-1, 50)
    quota = draw(st.dictionaries(st.sampled_from(["instances", "cores", "ram"]), limits))
    return {
        "name": name,
        "enabled": roomy or draw(st.booleans()),
        "quota": {"compute": quota},
        "users": [{"name": user, "roles": draw(roles)} for user in users],
        "groups": [{"name": f"{name}-team", "users": users, "roles": draw(roles)}] if users else [],
        "networks": [
            {"name": net, "subnets": [{"cidr": f"10.{n}.0.0/24", "dhcp": draw(st.booleans())}]}
            for n, net in enumerate(networks)
        ],
        "routers": [{"name": "edge", "external": "public", "networks": networks}],
        "security_groups": [{"name": group, "rules": draw(st.lists(rule, max_size=3))} for group in groups],
        "servers": servers,
    }


@st.composite
def specs(
    draw: st.DrawFn, tenants_at_most: int = 3, servers_at_most: int = 3, *, roomy: bool = False
) -> Spec:
    """A spec with some tenants. `roomy`: none is disabled, or has limits too low for what is in it."""
    names = [f"tenant-{n}" for n in range(draw(st.integers(1 if roomy else 0, tenants_at_most)))]
    data = {
        "name": "random",
        "flavors": [{"name": "own", "vcpus": draw(st.integers(1, 2)), "ram": 128}],
        "tenants": [draw(tenants(name, servers_at_most, roomy)) for name in names],
    }
    return spec.loads(json.dumps(data), "random.yaml")
