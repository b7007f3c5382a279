"""Which fake hosts there are, and where Nova finds their driver."""

from __future__ import annotations

import os
from pathlib import Path

from onestack_runtime import contract


def names() -> list[str]:
    """fake-1 … fake-N."""
    return [
        f"{contract.FAKE_HOST_PREFIX}{number}"
        for number in range(1, int(os.environ.get(contract.FAKE_HOSTS, "1")) + 1)
    ]


def prepare() -> None:
    """Let Nova find the driver (it looks for drivers in its package `nova.virt` only), and give it the one
    identity file without which no nova-compute starts a second time."""
    import nova.virt
    from nova.virt import node

    nova.virt.__path__.append(str(Path(__file__).parent / "virt"))
    node.get_local_node_uuid()
