"""The names of the fake hosts, and how Nova finds their driver."""

from __future__ import annotations

import os
from pathlib import Path

from onestack_runtime import contract


def names() -> list[str]:
    """The names of this process's fake hosts, from the variable FAKE_HOSTS. No two processes may share a name: each
    nova-compute would claim the other's servers. Raises ValueError."""
    first, dash, last = os.environ.get(contract.FAKE_HOSTS, "1").partition("-")
    numbers = range(int(first), int(last) + 1) if dash else range(1, int(first) + 1)
    return [f"{contract.FAKE_HOST_PREFIX}{number}" for number in numbers]


def prepare() -> None:
    """Make the driver importable from `nova.virt`, the only package that Nova loads drivers from; and create the
    node identity file, without which nova-compute does not start a second time."""
    import nova.virt
    from nova.virt import node

    nova.virt.__path__.append(str(Path(__file__).parent / "virt"))
    node.get_local_node_uuid()
