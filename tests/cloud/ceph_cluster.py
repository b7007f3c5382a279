"""A whole Ceph for tests: monitor, manager and one OSD that keeps everything in memory, in a network namespace.

Its programs are in a file tree of their own, built from Debian's packages and kept in the cache.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from onestack.core.wait import until
from onestack.host import base
from onestack.host.archive import archive
from onestack.host.command import CommandFailed, run

PACKAGES = ("ceph-mon", "ceph-mgr", "ceph-osd", "ceph-common")
POOL, USER = "volumes", "cinder"
MEMORY_GIB = 8
SECONDS = 60.0
MONITOR = "[v2:127.0.0.1:3300,v1:127.0.0.1:6789]"
_DEVICES = {"null": (1, 3), "urandom": (1, 9)}

_CONF = """\
[global]
fsid = {fsid}
mon_host = {monitor}
public_addr = 127.0.0.1
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
memstore_device_bytes = {bytes}
mon_data_avail_crit = 1
keyring = /etc/ceph/admin.keyring
[mon]
mon_data = /var/lib/ceph/mon
keyring = /var/lib/ceph/mon/keyring
[mgr]
mgr_data = /var/lib/ceph/mgr
keyring = /var/lib/ceph/mgr/keyring
[osd]
osd_data = /var/lib/ceph/osd
keyring = /var/lib/ceph/osd/keyring
"""


def tree(store: Path) -> Path:
    """The file tree with Ceph's programs, built unless it is there."""
    target = store / "ceph-for-tests"
    if not target.exists():
        partial = store / f"{target.name}.{os.getpid()}"
        try:
            run(base.command(partial, PACKAGES, (), archive() or []), seconds=base.DEADLINE)
            partial.rename(target)
        finally:
            base.discard(partial)
    return target


class Cluster:
    """`conf` and `keyring`: what its users are given."""

    def __init__(self, programs: Path, network: Path) -> None:
        self._tree = programs
        self._enter = ["nsenter", f"--net={network}", "chroot", str(programs)]
        self._daemons: list[subprocess.Popen[bytes]] = []
        self.conf = programs / "etc/ceph/ceph.conf"
        self.keyring = programs / f"etc/ceph/ceph.client.{USER}.keyring"

    def ask(self, *argv: str, seconds: float = SECONDS) -> str:
        """Run one of its programs."""
        return run([*self._enter, *argv], seconds=seconds)

    def start(self) -> None:
        self._prepare()
        self.ask(*_keyring("/etc/ceph/admin.keyring", "client.admin", mon="*", osd="*", mgr="*"))
        self.ask(*_keyring("/tmp/mon.keyring", "mon.", mon="*"))
        self.ask("ceph-authtool", "/tmp/mon.keyring", "--import-keyring", "/etc/ceph/admin.keyring")
        self.ask("monmaptool", "--create", "--clobber", "--addv", "a", MONITOR, "/tmp/monmap")
        self.ask("ceph-mon", "--mkfs", "-i", "a", "--monmap", "/tmp/monmap", "--keyring", "/tmp/mon.keyring")
        self._daemon("ceph-mon", "-i", "a")
        until("Ceph's monitor to answer", self._answers, seconds=SECONDS, every=0.5)
        self._entity("mgr.a", "mgr/keyring", "mon", "allow profile mgr", "osd", "allow *")
        self._daemon("ceph-mgr", "-i", "a")
        disk = str(uuid.uuid4())
        self.ask("ceph", "osd", "new", disk)
        self._entity(
            "osd.0", "osd/keyring", "mon", "allow profile osd", "osd", "allow *", "mgr", "allow profile osd"
        )
        self.ask("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk)
        self._daemon("ceph-osd", "-i", "0")
        self.ask("ceph", "osd", "pool", "create", POOL, "8")
        self.ask("rbd", "pool", "init", POOL)
        may = [each for what in ("mon", "osd", "mgr") for each in (what, "profile rbd")]
        self.keyring.write_text(self.ask("ceph", "auth", "get-or-create", f"client.{USER}", *may))

    def stop(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.kill()
            daemon.wait()

    def _prepare(self) -> None:
        for name, (major, minor) in _DEVICES.items():
            place = self._tree / "dev" / name
            if not place.is_char_device():
                os.mknod(place, 0o666 | 0o020000, os.makedev(major, minor))
        for name in ("mon", "mgr", "osd"):
            shutil.rmtree(self._tree / "var/lib/ceph" / name, ignore_errors=True)
            (self._tree / "var/lib/ceph" / name).mkdir(parents=True)
        (self._tree / "run/ceph").mkdir(exist_ok=True)
        self.conf.write_text(_CONF.format(fsid=uuid.uuid4(), monitor=MONITOR, bytes=MEMORY_GIB << 30))

    def _daemon(self, name: str, *words: str) -> None:
        log = (self._tree / f"var/log/ceph/{name}.out").open("wb")
        with log:
            argv = [*self._enter, name, "-f", *words]
            self._daemons.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _entity(self, name: str, file: str, *may: str) -> None:
        text = self.ask("ceph", "auth", "get-or-create", name, *may)
        (self._tree / "var/lib/ceph" / file).write_text(text)

    def _answers(self) -> tuple[bool, str]:
        try:
            return True, self.ask("ceph", "fsid", seconds=5).strip()
        except CommandFailed as failed:
            return False, failed.summary


def _keyring(file: str, name: str, **may: str) -> Sequence[str]:
    allowed = [word for what, how in may.items() for word in ("--cap", what, f"allow {how}")]
    return ("ceph-authtool", "--create-keyring", file, "--gen-key", "-n", name, *allowed)


@contextlib.contextmanager
def running(programs: Path, network: Path) -> Iterator[Cluster]:
    """A new one, ended with the body."""
    cluster = Cluster(programs, network)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
