"""Runs a program of the base outside of any cloud, without leaving a process or mount behind.

The cloud's own namespace (`onestack.host.namespace`) does not exist yet when the guest image is built and KVM is
probed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from onestack.host.guest.parts import FILES

SHARED = "/mnt"
"""The path of the shared folder inside."""


def inside(
    base: Path, share: Path, argv: Sequence[str], binds: Mapping[str, Path] | None = None
) -> list[str]:
    """The command line that runs `argv` in the base with the folder `share` at /mnt.

    `binds`: mount points of the base -> further folders of this machine. It has a mount and a PID namespace of its
    own, which end with it, also if it is killed.
    """
    namespaces = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    more = [word for place, source in (binds or {}).items() for word in ("--bind", str(source), place)]
    return [*namespaces, "sh", str(FILES / "enter.sh"), str(base), str(share), *more, *argv]
