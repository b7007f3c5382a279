"""The virtual address of the APIs, where there are several control hosts: keepalived gives it to one of them.

A host whose API gateway does not answer, or whose MariaDB is not one of the majority, gives it up; one that is lost
loses it within two seconds. It stays where it is when another host comes back. keepalived runs in the tree of control
hosts, beside the base.

Each control host has it on its loopback interface as well, so that its own services always use its own API gateway: a
connection of theirs does not break when the address moves, and their gateway ends requests to a host that is lost.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from onestack.core.contract import LIB, RUN
from onestack.core.events import Emit
from onestack.host import loopback_address, network, underlay
from onestack.host.machine import File
from onestack.platform import underlay as underlay_step
from onestack.platform.infrastructure import galera, gateway, mariadb
from onestack.platform.places import ALIVE_PORT
from onestack.platform.shape import Folder, InfrastructureService, Process, Ready, Step, leader, local
from onestack.platform.view import View

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "keepalived"
FILES = "virtual address"
HOME = f"{LIB}/keepalived"
CONFIG = f"{HOME}/keepalived.conf"
ROUTER_ID = 51
"""Of VRRP. Messages are sent to the other control hosts alone, so that other clouds' may be the same."""
ADVERTISED = 0.5
"""The interval between two messages, in seconds. The address moves when three are missing."""

RECORD = f"{HOME}/before.json"
"""The kernel's setting before the host got the address."""
ALIVE = f"{HOME}/alive"
_ALIVE = f"""\
#!/bin/bash
# Whether the API gateway answers on this host, and its MariaDB belongs to the majority.
exec 3<>/dev/tcp/127.0.0.1/{ALIVE_PORT} || exit
printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3
read -r -u 3 status
[[ $status == *' 200 '* ]]
"""


def configuration(view: View, interface: str) -> str:
    """keepalived's configuration. `interface`: the NIC or bridge with this host's own address."""
    address, here = view.cloud.address, view.here
    assert address is not None
    place = [each.name for each in view.controls].index(here.name)
    peers = "".join(f"    {each.address}\n" for each in view.controls if each is not here)
    prefix = ipaddress.ip_address(address).max_prefixlen
    return f"""\
global_defs {{
  router_id {here.name}
  vrrp_version 3
  vrrp_garp_master_delay 1
  vrrp_garp_master_repeat 3
  # Before all ordinary processes: a busy host that is late by a second would lose the address.
  vrrp_rt_priority 1
  max_auto_priority -1
  script_user root
  enable_script_security
}}
vrrp_script gateway {{
  script "{ALIVE}"
  interval 1
  timeout 3
  fall 2
  rise 2
}}
vrrp_instance apis {{
  state BACKUP
  nopreempt
  interface {interface}
  virtual_router_id {ROUTER_ID}
  priority {100 - 10 * place}
  advert_int {ADVERTISED}
  unicast_src_ip {here.address}
  unicast_peer {{
{peers}  }}
  virtual_ipaddress {{
    {address}/{prefix} dev {interface}
  }}
  track_script {{
    gateway
  }}
}}
"""


def processes(view: View) -> tuple[Process, ...]:
    if not view.replicated or view.cloud.address is None:
        return ()
    port = urlsplit(view.cloud.gateway).port
    files = ("-f", CONFIG, "-p", f"{RUN}/keepalived/pid", "-r", f"{RUN}/keepalived/vrrp.pid")
    return (
        Process(
            NAME,
            (NAME, "--dont-fork", "--log-console", "--vrrp", *files),
            Ready(
                command=("bash", "-c", "</dev/tcp/$0/$1", view.cloud.address, str(port)),
                seconds=60,
            ),
            # Without the leader's MariaDB no host has the address.
            needs=(*local(gateway.NAME, FILES), *leader(*mariadb.serving(view))),
            tree=galera.TREE,
        ),
    )


def write(site: Site, node: Node, emit: Emit) -> None:
    """Write keepalived's configuration, with the interface that has the host's address now; a keepalived with another
    one is stopped.

    One that was killed has left the address on its host: it is removed, or two hosts would have it.
    """
    view = site.view_of(node)
    assert view.cloud.address is not None
    enter = node.enter([])
    interface = underlay.collect(enter, view.here.address, view.here.underlay).nic
    loopback_address.add(view.cloud.address, node.outside(RECORD), enter)
    text = configuration(view, interface).encode()
    place = node.outside(CONFIG)
    program = node.supervisor.program(NAME)
    if program and program.pid and place.exists() and place.read_bytes() == text:
        return
    if program and program.pid:
        node.supervisor.stop(NAME)
    network.drop_address(view.cloud.address, enter, keep=loopback_address.LOOPBACK)
    node.machine.write_files({place: File(text, 0o600), node.outside(ALIVE): File(_ALIVE.encode(), 0o700)})


def steps(view: View) -> tuple[Step, ...]:
    if not processes(view):
        return ()
    return (Step(FILES, write, underlay_step.moved(view)),)


SERVICE = InfrastructureService(
    NAME,
    processes,
    steps=steps,
    folders=(Folder(HOME, mode=0o700), Folder(f"{RUN}/keepalived", mode=0o700)),
)
