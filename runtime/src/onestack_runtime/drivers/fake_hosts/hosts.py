"""The names of the fake hosts, and how Nova finds their driver."""

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
    """Make the driver importable from `nova.virt`, the only package that Nova loads drivers from; and create the
    node identity file, without which nova-compute does not start a second time."""
    import nova.virt
    from nova.virt import node

    nova.virt.__path__.append(str(Path(__file__).parent / "virt"))
    node.get_local_node_uuid()
