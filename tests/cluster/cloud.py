"""The cloud on three hosts that all tests of a cluster share, and how it is asked."""

from __future__ import annotations

import json
from typing import Any

from cluster.host import REPOSITORY, Host

SPEC = REPOSITORY / "examples/hosts.yaml"
UP_SECONDS = 900.0
COMPUTE = ("n1", "n2")


def onestack(host: Host, *words: str, check: bool = True) -> str:
    environment = ("env", "NO_COLOR=1", "ONESTACK_VERIFY_OUTSIDE=0")
    return host.run(*environment, str(REPOSITORY / "onestack"), *words, seconds=UP_SECONDS, check=check)


def status(host: Host) -> dict[str, Any]:
    found = json.loads(onestack(host, "status", "--json", check=False))
    assert isinstance(found, dict)
    return found
