"""The cloud on three hosts that all tests of a cluster share, and how it is asked."""

from __future__ import annotations

import json
from typing import Any

from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.platform.fetch import fetch
from onestack.platform.up import trees_of
from onestack.spec import Spec

SPEC = REPOSITORY / "examples/hosts.yaml"
UP_SECONDS = 900.0
COMPUTE = ("n1", "n2")


def onestack(host: Host, *words: str, check: bool = True, seconds: float = UP_SECONDS) -> str:
    environment = ("env", "NO_COLOR=1", "ONESTACK_VERIFY_OUTSIDE=0")
    return host.run(*environment, str(REPOSITORY / "onestack"), *words, seconds=seconds, check=check)


def status(host: Host) -> dict[str, Any]:
    found = json.loads(onestack(host, "status", "--json", check=False))
    assert isinstance(found, dict)
    return found


def fetch_parts(spec: Spec) -> None:
    """Have what each host of a spec needs in the cache that they share: the hosts reach no registry."""
    for each in spec.hosts:
        fetch(Paths.at(), spec.platform, silent, trees=trees_of(spec, each.name))


def clear(hosts: Hosts, control: Host) -> None:
    """Remove a cloud that other tests may have left, and take the hosts as they are then for unchanged."""
    onestack(control, "destroy", "--yes", check=False)
    for host in hosts:
        host.keep()
