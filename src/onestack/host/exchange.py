"""Exchanges the parts of a release that a cloud's mount namespace has, while its guests and switches run on.

A copy of the namespace gets the new parts (OpenStack's packages, the runtime, the dashboard's files) in place of the
old ones. Programs may be run in it, and then it takes the place of the former one: what is started from then on
enters it. What runs already stays in the former namespace, which ends with the last of it. All other mounts are the
same in both.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from onestack.core import contract
from onestack.core.errors import PermanentError
from onestack.host import namespace
from onestack.host.command import run

NEXT = "next"
"""The copy's name among the namespaces beside the cloud's own (see `namespace.mount_handle`)."""

_CLONE_NEWNS = 0x00020000
_AT_FDCWD = -100
_OPEN_TREE, _MOVE_MOUNT = 428, 429
"""Numbers of system calls, the same on all architectures."""
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MNT_DETACH = 2
_MS_BIND = 4096


def parts(layout: namespace.Layout) -> dict[str, str]:
    """What differs between releases: the mount point inside -> the folder outside."""
    found = {
        contract.ENVIRONMENT: layout.environment,
        contract.RUNTIME: layout.runtime,
        contract.DASHBOARD: layout.dashboard,
    }
    return {target: str(source) for target, source in found.items() if source}


def copy(layout: namespace.Layout) -> None:
    """Have the copy, with the parts of `layout`, beside the cloud's namespace, which must exist. Raises
    PermanentError."""
    paths = layout.paths
    if namespace.is_made_from(layout, NEXT):
        return
    namespace.remove_tree(paths, NEXT)
    handle = namespace.mount_handle(paths, NEXT)
    handle.touch()
    plan = {"of": str(namespace.mount_handle(paths)), "handle": str(handle), "parts": parts(layout)}
    namespace.on_some_processor([sys.executable, "-m", "onestack.host.exchange", json.dumps(plan)])
    namespace.note_made(layout, NEXT)


def take(layout: namespace.Layout) -> None:
    """Have a copy with the parts of `layout` be the cloud's namespace from now on, unless it has them already."""
    paths = layout.paths
    handle, copied = namespace.mount_handle(paths), namespace.mount_handle(paths, NEXT)
    if namespace.outdated(layout):
        copy(layout)
    # A cut between the two commands below leaves the copy alone.
    if namespace.is_made_from(layout, NEXT):
        if namespace.exists(paths):
            run(["umount", str(handle)])
        run(["mount", "--bind", str(copied), str(handle)])
        namespace.note_made(layout)
    namespace.remove_tree(paths, NEXT)


def runs_from(pid: int, layout: namespace.Layout) -> bool:
    """Whether a process sees the parts of `layout`, and not those of another release."""
    root = Path(f"/proc/{pid}/root")
    try:
        return all(Path(f"{root}{target}").samefile(source) for target, source in parts(layout).items())
    except OSError:
        return False


class _Calls:
    """System calls; each raises OSError."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def _checked(self, result: int, about: str) -> int:
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), about)
        return result

    def tree(self, source: str) -> int:
        """A mount of a folder that is nowhere yet."""
        flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC
        return self._checked(self._libc.syscall(_OPEN_TREE, _AT_FDCWD, source.encode(), flags), source)

    def enter(self, handle: str) -> None:
        descriptor = os.open(handle, os.O_RDONLY)
        self._checked(self._libc.setns(descriptor, _CLONE_NEWNS), handle)
        os.close(descriptor)

    def leave(self) -> None:
        """Go on in a copy of the mount namespace."""
        self._checked(self._libc.unshare(_CLONE_NEWNS), "unshare")

    def bind(self, source: str, target: str) -> None:
        """Bind-mount a file. `mount` would not say which error it was, which `on_some_processor` must know."""
        self._checked(self._libc.mount(source.encode(), target.encode(), None, _MS_BIND, None), target)

    def exchange(self, tree: int, target: str) -> None:
        """Have a mount in place of the one that is at `target`, if any."""
        self._libc.umount2(target.encode(), _MNT_DETACH)
        moved = self._libc.syscall(
            _MOVE_MOUNT, tree, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH
        )
        self._checked(moved, target)


def _build(of: str, handle: str, wanted: Mapping[str, str]) -> None:
    """Make the copy in a child process, and bind it to `handle` in this process's namespace while the child waits."""
    calls = _Calls()
    trees = {target: calls.tree(source) for target, source in wanted.items()}
    told, tell = os.pipe()
    waits, go = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(go)
            calls.enter(of)
            calls.leave()
            for target, tree in trees.items():
                calls.exchange(tree, target)
            os.write(tell, b"made")
            os.read(waits, 1)
        except OSError as error:
            os.write(tell, str(error).encode())
        finally:
            os._exit(0)
    os.close(tell)
    said = os.read(told, 500).decode()
    try:
        if said != "made":
            raise PermanentError(f"the namespace could not be copied: {said or 'no reason'}")
        calls.bind(f"/proc/{child}/ns/mnt", handle)
    finally:
        os.close(go)
        os.waitpid(child, 0)


def _main() -> None:
    plan = json.loads(sys.argv[1])
    try:
        _build(plan["of"], plan["handle"], plan["parts"])
    except (PermanentError, OSError) as error:
        sys.exit(f"{error}\n{getattr(error, 'detail', '')}")


if __name__ == "__main__":
    _main()
