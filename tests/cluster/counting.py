"""A guest on the shared cloud that counts its starts on its disk: so one sees that it moved with what it wrote."""

from __future__ import annotations

from cluster.cloud import onestack
from cluster.host import Host
from cluster.hosts import Hosts

# The guest counts its starts in a file on its disk, and says the number on its console.
USER_DATA = """#!/bin/sh
file=/var/lib/cloud/scripts/per-boot/count
mkdir -p "${file%/*}"
cat >$file <<'END'
#!/bin/sh
read -r number <<IN
$(cat /var/lib/starts 2>/dev/null || echo 0)
IN
echo $((number + 1)) >/var/lib/starts
sync
echo "start number $((number + 1))." >/dev/ttyS0
END
chmod 755 $file
$file
"""
COMMON = """
import base64, json, sys, time, openstack
cloud = openstack.connect()
compute = cloud.compute
def until(done):
    end = time.monotonic() + 240
    while True:
        now = compute.get_server(server.id)
        assert now.status != "ERROR", now.fault
        if now.task_state is None and done(now):
            return now
        assert time.monotonic() < end, (now.status, now.task_state, compute.get_server_console_output(server))
        time.sleep(0.5)
def said(text):
    return lambda now: text in (compute.get_server_console_output(server)["output"] or "")
"""
MAKE = (
    COMMON
    + """
server = compute.create_server(
    name="counting", image_id=next(cloud.image.images(name="tiny")).id, networks="none", config_drive=True,
    flavor_id=compute.find_flavor("m1.nano").id, availability_zone="nova:" + sys.argv[2],
    user_data=base64.b64encode(sys.argv[1].encode()).decode(),
)
until(lambda now: now.status == "ACTIVE")
until(said("start number 1."))
if sys.argv[3:]:
    compute.stop_server(server)
    until(lambda now: now.status == "SHUTOFF")
print(server.id)
"""
)
START = (
    COMMON
    + """
server = compute.get_server(sys.argv[1])
compute.start_server(server)
until(said(f"start number {sys.argv[2]}."))
until(said("metadata from the configuration drive"))
print(compute.get_server(server.id).compute_host)
"""
)
DELETE = (
    COMMON
    + """
server = compute.get_server(sys.argv[1])
compute.delete_server(server)
compute.wait_for_delete(server)
"""
)


def ask(control: Host, program: str, *words: str) -> str:
    return onestack(control, "exec", "python", "-c", program, *words).strip()


def left(hosts: Hosts, ident: str) -> dict[str, list[str]]:
    """The folders of a guest's files that each host has."""
    found = {}
    for host in hosts:
        names = host.run("ls", "/var/lib/onestack/data/nova/instances").split()
        if mine := [name for name in names if name.startswith(ident)]:
            found[host.name] = mine
    return found
