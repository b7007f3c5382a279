"""Ceph's managers, beside the first two monitors: one counts placement groups and space, the other stands by."""

from __future__ import annotations

from onestack.platform import managed_ceph
from onestack.platform.managed_ceph import AS_USER, CONF, GIVEN, HOME, SOCKETS, TREE, USER, USERS_STEP
from onestack.platform.shape import STORAGE, Folder, InfrastructureService, Process, Ready, leader, local
from onestack.platform.view import View

NAME = "ceph-mgr"
MODULES = f"{HOME}/modules"

# Debian's manager loads its modules in sub-interpreters of Python, which the compiled part of the real bcrypt
# refuses: then none of them is loaded. Only the dashboard, which is not used, hashes passwords.
_BCRYPT = '''\
"""Stands in for bcrypt, which cannot be loaded in the manager's sub-interpreters; see onestack's ceph_mgr.py."""


def hashpw(*given):
    raise NotImplementedError("the manager has no bcrypt")


def gensalt(*given):
    raise NotImplementedError("the manager has no bcrypt")
'''


def is_here(view: View) -> bool:
    """Whether this host has a manager."""
    return view.here.name in {each.name for each in managed_ceph.managers(view)}


def files(view: View) -> dict[str, str]:
    return {
        f"{GIVEN}/mgr.keyring": managed_ceph.keyring(view, managed_ceph.manager(view.here.name)),
        f"{MODULES}/bcrypt.py": _BCRYPT,
    }


def processes(view: View) -> tuple[Process, ...]:
    if not is_here(view):
        return ()
    return (
        Process(
            NAME,
            (*AS_USER, NAME, "-f", "-c", CONF, "-i", view.here.name),
            Ready(socket=f"{SOCKETS}/mgr.{view.here.name}.asok", seconds=120),
            needs=(*leader(USERS_STEP), *local("ceph-mon")),
            roles=STORAGE,
            environment={"PYTHONPATH": MODULES},
            reads=(CONF,),
            stop_seconds=20,
            tree=TREE,
        ),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    folders=(Folder(MODULES, mode=0o755), Folder(f"{HOME}/mgr", USER, USER, 0o700, TREE)),
    stays_with_guests=True,
)
