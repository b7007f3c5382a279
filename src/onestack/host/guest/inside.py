"""Running a program of the base outside any cloud, leaving neither a process nor a mount behind.

The cloud's own namespace (`onestack.host.namespace`) is there only once a cloud is; the guest is made, and
KVM is tried, before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from onestack.host.guest.parts import FILES

SHARED = "/mnt"
"""Where the shared folder is inside."""


def inside(
    base: Path, share: Path, argv: Sequence[str], binds: Mapping[str, Path] | None = None
) -> list[str]:
    """The command line that runs `argv` in the base with the folder `share` at /mnt.

    `binds`: mount points of the base -> further folders of this machine.

    Its mount and PID namespaces are its own and end with it, also when it is killed.
    """
    namespaces = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    more = [word for place, source in (binds or {}).items() for word in ("--bind", str(source), place)]
    return [*namespaces, "sh", str(FILES / "enter.sh"), str(base), str(share), *more, *argv]
