"""MariaDB as a Galera cluster, where there are several control hosts: each has a full copy of all databases.

MariaDB itself stays on its unix socket; services reach the one that is written to through the database gateway
(`infrastructure.database_gateway`). Replication and state transfers use TLS with the hosts' certificates.

It runs in a tree beside the base, with Galera's library and mariadb-backup: one control host does without them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from onestack.core import contract
from onestack.core.contract import LIB, RUN
from onestack.core.errors import OneStackError, Unready
from onestack.core.events import Emit
from onestack.core.wait import until
from onestack.host.command import run
from onestack.platform import owned, readiness, underlay
from onestack.platform.infrastructure import mariadb
from onestack.platform.places import (
    CA,
    DATABASE_SOCKET,
    GALERA_IST_PORT,
    GALERA_PORT,
    HOST_CERTIFICATE,
    bracketed,
)
from onestack.platform.shape import (
    Folder,
    Form,
    InfrastructureService,
    Need,
    Process,
    Ready,
    Step,
    leader,
    local,
)
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "galera"
CHECK = "database-check"
TREE = "control"
USER = "mysql"
MEMBER_FILES = "member files"

HOME = f"{LIB}/galera"
CONFIG = f"{HOME}/my.cnf"
TLS = f"{HOME}/tls"
START = f"{HOME}/start"
NOTIFY = f"{HOME}/notify"
FIRST = f"{HOME}/first"
"""While it exists, the next start of MariaDB begins a new cluster; the start removes it. With ANOTHER in it, that
cluster has an identity of its own: to all others its data are new ones."""
ANOTHER = "another"
GENERATION = f"{mariadb.DATA}/onestack-generation"
"""Of which recovery of the cloud a member's data are (`CloudView.generation`); 0 without the file."""
CHECK_SOCKET = f"{RUN}/database/check.sock"
SOCKETS = f"{RUN}/mysqld"
"""MariaDB's socket and the file with its pid."""

MEMBER = "member"
"""The state of a member that is in a cluster with a majority."""
FORMING_SECONDS = 30.0
"""How long members that run get to find each other by themselves, after all of them were away."""
_POSITION = re.compile(r"^([0-9a-f-]{36}):(-?\d+)(?: generation (\d+))?$")

# A member is lost after some seconds without a sign of it. The times are in ISO 8601: PT2S are two seconds. Longer
# ones would delay a failover, shorter ones cause false ones on a busy machine. install_timeout must not exceed
# inactive_timeout. The gcache holds what a member missed that was away for a while, so that it need not copy all.
_PROVIDER = {
    "gcache.size": "64M",
    "gcache.recover": "yes",
    "evs.keepalive_period": "PT0.5S",
    "evs.inactive_check_period": "PT0.5S",
    "evs.suspect_timeout": "PT2S",
    "evs.inactive_timeout": "PT5S",
    "evs.install_timeout": "PT5S",
    "socket.ssl_ca": f"{TLS}/ca.pem",
    "socket.ssl_cert": f"{TLS}/host.pem",
    "socket.ssl_key": f"{TLS}/host.key",
}

# Without the position of its data, a member that was killed would copy all of it again. MariaDB finds the position in
# its own log files; a member that was shut down has written it down.
_START = f"""\
#!/bin/bash
# Starts MariaDB as a member of the cluster, from where its data is. `position`: only prints that.
position() {{
    [ -e {mariadb.DATA}/ibdata1 ] || return 0
    found=$(sed -n 's/^uuid: *//p; s/^seqno: */:/p' {mariadb.DATA}/grastate.dat 2>/dev/null | tr -d '\\n ')
    if [ -z "$found" ] || [ "${{found##*:}}" = -1 ]; then
        log=$(mktemp)
        chown {USER} "$log"
        mariadbd --defaults-file={CONFIG} --wsrep-recover --log-error="$log" --pid-file="$log.pid" >/dev/null 2>&1
        found=$(sed -n 's/.*Recovered position: *//p' "$log" | tail -n 1)
        rm -f "$log" "$log.pid"
    fi
    echo "$found"
}}
if [ "${{1:-}}" = position ]; then
    position
    exit
fi
options=()
if [ -e {FIRST} ]; then
    if [ "$(cat {FIRST})" = {ANOTHER} ]; then
        rm -f {mariadb.DATA}/gvwstate.dat {mariadb.DATA}/galera.cache
        printf '# GALERA saved state\nversion: 2.1\nuuid:    %s\nseqno:   0\nsafe_to_bootstrap: 1\n' \
            "$(cat /proc/sys/kernel/random/uuid)" >{mariadb.DATA}/grastate.dat
        chown {USER} {mariadb.DATA}/grastate.dat
    fi
    rm {FIRST}
    sed -i 's/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/' {mariadb.DATA}/grastate.dat 2>/dev/null
    options+=(--wsrep-new-cluster)
fi
found=$(position)
[ -n "$found" ] && options+=(--wsrep-start-position="$found")
exec mariadbd --defaults-file={CONFIG} "${{options[@]}}"
"""

# A member that failed to catch up (two that join at once may hinder each other) leaves the cluster and stays outside,
# running. Without a majority it stays connected, and is not ended here.
_NOTIFY = """\
#!/bin/bash
# MariaDB calls this when its status changes: one that has left the cluster ends, to be started again.
while [ $# -gt 1 ]; do
    [ "$1 $2" = "--status disconnected" ] && kill "$(cat /run/mysqld/mysqld.pid)"
    [ "$1 $2" = "--status synced" ] && echo GENERATION >PLACE
    shift
done
"""

# The account of state transfers: MariaDB runs the backup as its own user, which owns the data files anyway.
_ACCOUNT = f"""\
CREATE USER IF NOT EXISTS '{USER}'@'localhost' IDENTIFIED VIA unix_socket;
GRANT ALL ON *.* TO '{USER}'@'localhost';
"""


def settings(view: View) -> str:
    """The configuration of a member: that of one host's MariaDB, and what Galera needs."""
    # With those that were given up: a member that knows no address but its own does not start again after a failure.
    everyone = [each for each in view.hosts if "control" in each.roles]
    here, members = view.here, ",".join(bracketed(each.address) for each in everyone)
    address, generation = bracketed(here.address), view.cloud.generation
    provider = {
        **_PROVIDER,
        "gmcast.listen_addr": f"ssl://{address}:{GALERA_PORT}",
        "ist.recv_addr": f"{address}:{GALERA_IST_PORT}",
    }
    return f"""\
{mariadb.SETTINGS}
# All control hosts' services use the same member.
max_connections = 1000
innodb_autoinc_lock_mode = 2
innodb_snapshot_isolation = OFF
binlog_format = ROW
wsrep_on = ON
wsrep_provider = /usr/lib/galera/libgalera_smm.so
wsrep_provider_options = "{";".join(f"{name}={value}" for name, value in provider.items())}"
wsrep_cluster_name = onestack{f"-{generation}" if generation else ""}
wsrep_cluster_address = gcomm://{members}
wsrep_node_name = {here.name}
wsrep_node_address = {address}
wsrep_slave_threads = 2
wsrep_notify_cmd = bash {NOTIFY}
wsrep_retry_autocommit = 3
wsrep_sst_method = mariabackup
wsrep_sst_auth = {USER}:

[mariadb-backup]
# Over the socket of this host, like all clients.
skip-ssl

[sst]
# TLS, and both sides verify each other's certificate.
encrypt = 3
tca = {TLS}/ca.pem
tcert = {TLS}/host.pem
tkey = {TLS}/host.key
"""


def files(view: View) -> dict[str, str]:
    """In a folder that MariaDB's user can read; they contain no secrets."""
    notify = _NOTIFY.replace("GENERATION", str(view.cloud.generation)).replace("PLACE", GENERATION)
    return {CONFIG: settings(view), START: _START, NOTIFY: notify}


def processes(view: View) -> tuple[Process, ...]:
    if not view.replicated:
        return ()
    module = ("python3", "-P", "-m", contract.DATABASE_CHECK)
    return (
        Process(CHECK, (*module, CHECK_SOCKET, DATABASE_SOCKET), Ready(socket=CHECK_SOCKET, seconds=30)),
        Process(
            mariadb.NAME,
            ("bash", START),
            Ready(http=(CHECK_SOCKET, "/"), seconds=120),
            needs=(*local(CHECK, MEMBER_FILES), *leader(Form.task(NAME))),
            stop_seconds=60,
            # One that is cut off from the others is not usable, and must not be restarted for that.
            hang_seconds=900,
            environment={"MALLOC_ARENA_MAX": "2"},
            reads=(CA, HOST_CERTIFICATE),
            tree=TREE,
        ),
    )


def make_files(site: Site, node: Node, emit: Emit) -> None:
    """Give MariaDB's user the host's certificate and the data, which is another user's where one control host had it.

    The leader alone gets a new data folder: other members copy it.
    """
    owned.certificates(node, TLS, USER, TREE)
    data = node.outside(mariadb.DATA)
    program = node.supervisor.program(mariadb.NAME)
    if not (program and program.pid):
        folders = (str(data), str(node.outside(SOCKETS)))
        run(["chown", "-R", f"--reference={node.outside(TLS)}", *folders], seconds=120)
        # A state transfer removes what else is in the folder, also the mark of a complete one.
        if site.leads and not (data / "grastate.dat").exists():
            mariadb.make_files(site, node, emit, tree=TREE)


def state(site: Site, node: Node) -> str:
    """MEMBER; or else the position of this host's data, UUID:SEQUENCE generation N, empty without data.

    A member that runs without a majority is stopped, so that its position can be read: `up` has all control hosts at
    hand, and none of them has a majority then.
    """
    program = node.supervisor.program(mariadb.NAME)
    given = _generation(node)
    if program and program.pid and given != site.generation:
        node.supervisor.stop(mariadb.NAME)
    elif program and program.pid:
        ready = Ready(http=(CHECK_SOCKET, "/"))
        try:
            until(
                "MariaDB to find the other members",
                lambda: readiness.is_ready(node, ready),
                seconds=FORMING_SECONDS,
                every=0.5,
                where=node.log(mariadb.NAME),
            )
        except Unready:
            node.supervisor.stop(mariadb.NAME)
        else:
            node.inside(mariadb.client(), text_in=_ACCOUNT)
            return MEMBER
    found = node.inside(["bash", START, "position"], seconds=120, patient=True, tree=TREE).strip()
    return f"{found} generation {given}" if found else ""


def _generation(node: Node) -> int:
    file = node.outside(GENERATION)
    return int(file.read_text()) if file.exists() else 0


def choose(states: Mapping[str, str], lead: str) -> str | None:
    """The host with the newest data, the leader among equals; None where a cluster exists."""
    if MEMBER in states.values():
        return None
    return max(sorted(states), key=lambda name: (*_newness(states[name]), name == lead))


def _newness(position: str) -> tuple[int, int]:
    """What was written before the cloud was recovered counts as older than all after it."""
    found = _POSITION.match(position)
    return (int(found[3] or 0), int(found[2])) if found else (-1, 0)


def begin(site: Site, node: Node, emit: Emit) -> None:
    """Start this host's MariaDB as the first member of a cluster."""
    node.outside(FIRST).write_text("" if _generation(node) == site.generation else ANOTHER)
    (process,) = (each for each in processes(site.view_of(node)) if each.name == mariadb.NAME)
    readiness.start(node, process, emit)
    node.inside(mariadb.client(), text_in=_ACCOUNT)


def members(site: Site, node: Node) -> tuple[int, int]:
    """How many members are in this host's part of the cluster; none where that part has no majority."""
    wanted = "SHOW STATUS WHERE variable_name IN ('wsrep_cluster_size', 'wsrep_cluster_status')"
    rows = node.inside(mariadb.client(), text_in=f"{wanted};\n", seconds=10).splitlines()
    found = dict(row.split("\t", 1) for row in rows)
    together = found.get("wsrep_cluster_status") == "Primary"
    return int(found["wsrep_cluster_size"]) if together else 0, len(site.view_of(node).controls)


def look(site: Site, node: Node) -> tuple[str, bool, int]:
    """What this host's data are, by MariaDB itself or by the file in which it writes down what it has."""
    program = node.supervisor.program(mariadb.NAME)
    if program and program.pid:
        wanted = "'wsrep_cluster_size', 'wsrep_cluster_status', 'wsrep_last_committed'"
        try:
            text = f"SHOW STATUS WHERE variable_name IN ({wanted});\n"
            rows = node.inside(mariadb.client(), text_in=text, seconds=10).splitlines()
        except OneStackError as error:
            return f"runs, and does not answer: {error}", False, -1
        found = dict(row.split("\t", 1) for row in rows)
        sequence = int(found.get("wsrep_last_committed", -1))
        together = f"{found.get('wsrep_cluster_size')} members"
        if found.get("wsrep_cluster_status") != "Primary":
            together += ", no majority"
        return f"runs ({together}), sequence number {sequence}", False, sequence
    file = node.outside(mariadb.DATA) / "grastate.dat"
    return stopped(file.read_text() if file.exists() else "")


def stopped(state: str) -> tuple[str, bool, int]:
    """The same of a member that does not run. `state`: what it wrote down, in grastate.dat. Pure."""
    if not state:
        return "no data", False, -1
    found = dict(line.split(":", 1) for line in state.splitlines() if ":" in line and line[0] != "#")
    sequence = int(found.get("seqno", "-1"))
    if found.get("safe_to_bootstrap", "").strip() == "1":
        known = f", sequence number {sequence}" if sequence >= 0 else ""
        return f"was the last member or the only one{known}", True, sequence
    if sequence < 0:
        return "was ended without writing down its sequence number: it is read when it begins", False, -1
    return f"stopped before others did, sequence number {sequence}", False, sequence


def steps(view: View) -> tuple[Step, ...]:
    return (Step(MEMBER_FILES, make_files, underlay.moved(view)),) if view.replicated else ()


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    steps,
    folders=(
        Folder(HOME, "root", USER, 0o750, TREE),
        # When folders are made, a cloud's only MariaDB so far has yet to shut down in its own.
        Folder(mariadb.DATA, USER, USER, 0o700, TREE, keeps_owner=True),
        Folder(SOCKETS, USER, USER, 0o755, TREE, keeps_owner=True),
        Folder(f"{RUN}/database", "root", "haproxy", 0o2750),
    ),
    members=members,
    look=look,
    form=Form(
        state, choose, begin, needs=(Need(MEMBER_FILES, "all"), Need(CHECK, "all")), in_turn=mariadb.NAME
    ),
)
