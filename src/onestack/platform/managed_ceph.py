"""The managed Ceph: its pools, users, keys, and configuration. Pure.

All keys are made from the cloud's secrets, so that no host has to be given one by another, and a host has those
only that it needs.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onestack.core.contract import LIB, RUN
from onestack.host.namespace import DISK_USER
from onestack.platform.places import CEPH_PORT, CEPH_PORTS, bracketed
from onestack.platform.view import Ceph, DiskView, HostView, View
from onestack.spec import storage

TREE = "storage"
"""The tree beside the base with Ceph's daemons."""
USER = DISK_USER
NAME = "ceph"
"""The cluster, as its clients know it."""
CLIENT_CONF = f"/etc/ceph/{NAME}.conf"

USERS_STEP, POOLS_STEP, FILES_STEP = "ceph users", "ceph pools", "ceph files"
"""Steps of the bring-up, in the order users, OSDs, pools; each host's files come first."""

HOME = f"{LIB}/ceph"
CONF = f"{HOME}/ceph.conf"
"""The configuration of daemons; clients have another."""
KEYS = f"{HOME}/keys"
GIVEN = "ceph-daemons"
"""The folder below the cloud's etc with a host's keyrings; its daemons read copies in KEYS."""
SOCKETS = f"{RUN}/ceph"

IMAGES, VOLUMES, VMS, BACKUPS = "images", "volumes", "vms", "backups"
POOLS = (IMAGES, VOLUMES, VMS, BACKUPS)
"""Glance's, Cinder's, Nova's, and those of Cinder's backups."""

FSID, MONITOR, ADMIN, BOOTSTRAP = "ceph/fsid", "ceph/mon", "ceph/admin", "ceph/bootstrap-osd"
"""Secrets of the whole cluster."""


@dataclass(frozen=True)
class User:
    """A user of Ceph. `entity`: its name there; `secret`: the cloud's, which its key is made from; `caps`: what it
    may do, by type of daemon."""

    entity: str
    secret: str
    caps: Mapping[str, str]

    @property
    def client(self) -> str:
        """A client's name as services are given it, without `client.`."""
        return self.entity.removeprefix("client.")


def _of_rbd(secret: str, *pools: str, reads: Sequence[str] = ()) -> User:
    name = secret.rpartition("/")[2]
    rights = ", ".join(
        [
            *(f"profile rbd pool={each}" for each in pools),
            *(f"profile rbd-read-only pool={each}" for each in reads),
        ]
    )
    return User(f"client.{name}", secret, {"mon": "profile rbd", "mgr": "profile rbd", "osd": rights})


GLANCE = _of_rbd("ceph/glance", IMAGES)
CINDER = _of_rbd("ceph/cinder", VOLUMES, VMS, reads=(IMAGES,))
"""Cinder's and Nova's, and that of guests' QEMU."""
BACKUP = _of_rbd("ceph/cinder-backup", BACKUPS)
CLIENTS = (GLANCE, CINDER, BACKUP)
_ALL = dict.fromkeys(("mon", "osd", "mds", "mgr"), "allow *")
ADMINISTRATOR = User("client.admin", ADMIN, _ALL)
MONITORS = User("mon.", MONITOR, {"mon": "allow *"})
BOOTSTRAPPER = User("client.bootstrap-osd", BOOTSTRAP, {"mon": "profile bootstrap-osd"})
"""Registers new OSDs, and may do nothing else."""


def host_secret(host: str) -> str:
    """The name of the secret from which the keys of a host's manager and OSDs are made."""
    return f"ceph/host/{host}"


def manager(host: str) -> User:
    """A host's manager."""
    return User(
        f"mgr.{host}", host_secret(host), {"mon": "allow profile mgr", "osd": "allow *", "mds": "allow *"}
    )


def secret_names(hosts: Sequence[HostView]) -> set[str]:
    """The names of all secrets that a managed Ceph on these hosts needs; none where no host has disks."""
    found = [each.name for each in hosts if each.disks]
    if not found:
        return set()
    whole = {FSID, *(each.secret for each in (*CLIENTS, ADMINISTRATOR, MONITORS, BOOTSTRAPPER))}
    return whole | {host_secret(each) for each in found}


def key(secret: str, who: str) -> str:
    """The key of an entity, as Ceph writes it: a header (type, time, length), and 16 bytes."""
    material = hashlib.sha256(f"{who}:{secret}".encode()).digest()[:16]
    # A time of 1 s after the epoch: the same secret gives the same key.
    return base64.b64encode(struct.pack("<HIIH", 1, 1, 0, len(material)) + material).decode()


def fsid(secrets: Mapping[str, str]) -> str:
    """The cluster's UUID."""
    # An `up` that was cut off may have left a host without secrets.
    digest = hashlib.sha256(secrets.get(FSID, "").encode()).digest()[:16]
    return str(uuid.UUID(bytes=digest, version=4))


def osd_uuid(view: View, host: str, disk: DiskView) -> str:
    """The UUID of the OSD on a disk."""
    return str(uuid.uuid5(uuid.UUID(fsid(view.cloud.secrets)), f"{host}:{disk.path}"))


def osd_key(view: View, disk: DiskView) -> str:
    """The key of the OSD on a disk of this host."""
    return key(view.cloud.secrets[host_secret(view.here.name)], f"osd {disk.path}")


def keyring(view: View, *users: User) -> str:
    """A keyring with users' keys and capabilities."""
    rows = []
    for each in users:
        rows += [f"[{each.entity}]", f"\tkey = {key(view.cloud.secrets[each.secret], each.entity)}"]
        rows += [f'\tcaps {daemon} = "{rights}"' for daemon, rights in each.caps.items()]
    return "".join(f"{row}\n" for row in rows)


def monitors(view: View) -> tuple[HostView, ...]:
    """The hosts with a monitor, in the order of the spec."""
    names = view.cloud.ceph.monitors if view.cloud.ceph else ()
    if not view.peers:
        # Its name in the cloud may be older than that in the spec.
        return view.storage
    known = {each.name: each for each in view.storage}
    return tuple(known[name] for name in names if name in known)


def managers(view: View) -> tuple[HostView, ...]:
    """The hosts with a manager: one works, another stands by."""
    return monitors(view)[:2]


def address(host: HostView) -> str:
    """Where a host's monitor listens, as Ceph writes it."""
    return f"[v2:{bracketed(host.address)}:{CEPH_PORT}]"


def libvirt_secret(secrets: Mapping[str, str]) -> str:
    """The UUID of libvirt's secret with the key of Cinder's user."""
    return str(uuid.uuid5(uuid.UUID(fsid(secrets)), CINDER.entity))


def backend(secrets: Mapping[str, str]) -> Ceph:
    """What Cinder's driver needs to know of the managed cluster."""
    return Ceph(VOLUMES, CINDER.client, libvirt_secret(secrets), NAME)


def _shared(view: View) -> dict[str, object]:
    """What daemons and clients agree on."""
    found: dict[str, object] = {
        "fsid": fsid(view.cloud.secrets),
        "mon_host": ",".join(map(address, monitors(view))),
        "auth_cluster_required": "cephx",
        "auth_service_required": "cephx",
        "auth_client_required": "cephx",
        # A monitor that is gone is left for another one after these seconds; the defaults stall a guest for a minute.
        "mon_client_ping_interval": 1,
        "mon_client_ping_timeout": 4,
        "mon_client_hunt_interval": 1,
        "log_to_file": "false",
    }
    if view.peers:
        # All that leaves a host is encrypted.
        found |= {f"ms_{kind}_mode": "secure" for kind in ("cluster", "service", "client")}
        found |= {f"ms_mon_{kind}_mode": "secure" for kind in ("cluster", "service", "client")}
    return found


def client_conf(view: View) -> str:
    """The configuration of clients. It contains no secrets."""
    return _ini({"global": _shared(view)})


def guests(view: View) -> bool:
    """Whether guests run on this host whose disks are in Ceph."""
    return "compute" in view.here.roles and "compute" in view.cloud.services


def client_files(view: View) -> dict[str, str]:
    """The files of Ceph's clients on `view.here`, below the cloud's etc: configuration, and the keys of what runs
    there."""
    if view.cloud.ceph is None:
        return {}
    users = (*CLIENTS, ADMINISTRATOR) if view.control else (CINDER,) if guests(view) else ()
    found = {f"ceph/{NAME}.conf": client_conf(view)}
    return found | {
        f"ceph/{NAME}.{each.entity}.keyring": keyring(view, User(each.entity, each.secret, {}))
        for each in users
    }


def daemon_conf(view: View) -> str:
    """The configuration of a host's daemons. It contains no secrets.

    The times are as short as small machines bear them: an OSD that is gone is found after 4 s.
    """
    assert view.cloud.ceph is not None
    number, memory = len(view.storage), view.cloud.ceph.osd_memory
    low, high = CEPH_PORTS
    whole = {
        **_shared(view),
        "public_addr": view.here.address,
        "ms_bind_msgr1": "false",
        "ms_bind_port_min": low,
        "ms_bind_port_max": high,
        "ms_bind_ipv4": "false" if ":" in view.here.address else "true",
        "ms_bind_ipv6": "true" if ":" in view.here.address else "false",
        "ms_async_op_threads": 2,
        "auth_allow_insecure_global_id_reclaim": "false",
        "osd_pool_default_size": storage.copies(number),
        "osd_pool_default_min_size": storage.least_copies(number),
        "osd_pool_default_pg_num": 16,
        "osd_pool_default_pg_autoscale_mode": "off",
        "osd_crush_chooseleaf_type": 1,
        "mon_allow_pool_size_one": "true",
        "mon_warn_on_pool_no_redundancy": "false",
        # Debian's ceph-mgr loads none of those that need Rust's part of bcrypt.
        "mgr_initial_modules": "iostat",
        "mon_mgr_beacon_grace": 15,
        "osd_heartbeat_grace": 4,
        "admin_socket": f"{SOCKETS}/$name.asok",
        "run_dir": SOCKETS,
        "crash_dir": f"{HOME}/crash",
        "log_to_stderr": "true",
        "err_to_stderr": "true",
        "mon_cluster_log_to_file": "false",
        "debug_rocksdb": "0/0",
    }
    return _ini(
        {"global": whole, "mon": _MONITOR | _reporters(number), "mgr": _MANAGER, "osd": _osd(view, memory)}
    )


_MONITOR: dict[str, object] = {
    "mon_data": f"{HOME}/mon",
    "keyring": f"{KEYS}/mon.keyring",
    "mon_memory_autotune": "false",
    "rocksdb_cache_size": 16 << 20,
    "mon_rocksdb_options": "write_buffer_size=4194304,compression=kNoCompression,"
    "level_compaction_dynamic_level_bytes=true",
    "mon_data_avail_warn": 5,
    "mon_data_avail_crit": 2,
    "mon_lease": 1,
    "mon_lease_renew_interval_factor": 0.4,
    "mon_election_timeout": 1,
    "mon_osd_adjust_heartbeat_grace": "false",
    "mon_osd_adjust_down_out_interval": "false",
    # Seconds until the copies of a disk that is gone are made anew on others.
    "mon_osd_down_out_interval": 600,
}
_MANAGER: dict[str, object] = {
    "mgr_data": f"{HOME}/mgr",
    "keyring": f"{KEYS}/mgr.keyring",
    "mgr_tick_period": 5,
}


def _reporters(number: int) -> dict[str, object]:
    # Of so many other hosts an OSD must be missed; of two hosts only one can.
    return {"mon_osd_min_down_reporters": 2 if number > 2 else 1}


def _osd(view: View, memory: int) -> dict[str, object]:
    found: dict[str, object] = {
        "osd_objectstore": "bluestore",
        "crush_location": f"root=default host={view.here.name}",
        "osd_memory_target": memory << 20,
        "osd_heartbeat_interval": 1,
        "osd_mon_report_interval": 1,
        # Measures the disk at each start, for seconds.
        "osd_mclock_skip_benchmark": "true",
        "osd_mclock_profile": "high_client_ops",
    }
    if memory < 2048:
        # Near the lowest target the tuning of caches costs more than it brings.
        found |= {
            "bluestore_cache_autotune": "false",
            "bluestore_cache_size": 64 << 20,
            "osd_op_num_shards": 1,
            "osd_op_num_threads_per_shard": 2,
            "osd_min_pg_log_entries": 100,
            "osd_max_pg_log_entries": 500,
            "bluestore_rocksdb_options": "compression=kNoCompression,max_write_buffer_number=4,"
            "min_write_buffer_number_to_merge=1,write_buffer_size=4194304,recycle_log_file_num=2,"
            "max_background_jobs=1",
        }
    return found


def _ini(sections: Mapping[str, Mapping[str, object]]) -> str:
    return "".join(
        f"[{name}]\n" + "".join(f"{option} = {value}\n" for option, value in options.items())
        for name, options in sections.items()
    )


def placement_groups(disks: int, number: int) -> int:
    """How many placement groups each pool has: about a hundred on each disk, by all pools. A power of two."""
    wanted = 100 * disks // (len(POOLS) * storage.copies(number))
    return max(16, min(256, 1 << max(0, wanted.bit_length() - 1)))


AS_USER = (
    "setpriv",
    f"--reuid={USER}",
    f"--regid={USER}",
    "--clear-groups",
    "--no-new-privs",
    "--inh-caps=-all",
    "--bounding-set=-all",
)
"""Runs a daemon as its user. setpriv execs, so the supervised pid is the daemon's own."""
