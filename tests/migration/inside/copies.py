"""Nova's own code copies guests' files from c1 to n1. Run in the base; /mnt/etc has what each has in /etc/onestack.

n1 is a mount namespace with a folder of guests' files of its own.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

from nova.virt.libvirt.volume import remotefs
from oslo_concurrency import processutils

INSTANCES = Path("/var/lib/nova/instances")
GUEST = INSTANCES / "0f1e"
FAR = "127.0.0.3"
SERVER = (
    "mount -t tmpfs -o mode=755 far /var/lib/nova/instances && mkdir /var/lib/nova/instances/_base && exec"
)
SERVER += " python3 -P -m onestack_runtime.drivers.rsync.server"


def copy(source, target):
    driver.copy_file(str(source), str(target), None, None, False)


def refused(source, target):
    try:
        copy(source, target)
    except processutils.ProcessExecutionError:
        return
    raise AssertionError(f"{source} was copied to {target}")


def mode(place):
    return oct(place.stat().st_mode & 0o7777)


INSTANCES.mkdir(parents=True)
environment = {**os.environ, "ONESTACK_ETC": "/mnt/etc/n1"}
words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SERVER]
log = Path("/tmp/server.log")
with log.open("w") as said:
    server = subprocess.Popen(words, env=environment, umask=0o077, stderr=said)
ready = Path("/mnt/etc/n1/ready.sock")
deadline = time.monotonic() + 60
while not ready.exists():
    assert server.poll() is None
    assert time.monotonic() < deadline
    time.sleep(0.02)
there = Path(f"/proc/{server.pid}/root")
far = there / str(GUEST).lstrip("/")
driver = remotefs.RsyncDriver()

# Whether both hosts see the same folder, as Nova finds out.
driver.create_file(FAR, str(GUEST / "x.tmp"), None, None)
assert (far / "x.tmp").exists()
assert not GUEST.exists()
driver.remove_file(FAR, str(GUEST / "x.tmp"), None, None)
assert not (far / "x.tmp").exists()
assert mode(far) == "0o755", mode(far)

driver.create_dir(FAR, str(GUEST), None, None)
assert mode(far) == "0o755", mode(far)
assert (far.stat().st_uid, far.stat().st_gid) == (0, 0)

GUEST.mkdir()
disk = GUEST / "disk"
with disk.open("wb") as file:
    file.write(os.urandom(5_000_000))
    file.truncate(200_000_000)
# QEMU's, as that of a guest that ran.
os.chown(disk, 64055, 64055)
disk.chmod(0o600)
copy(disk, f"{FAR}:{GUEST}/disk")
assert (far / "disk").read_bytes() == disk.read_bytes()
assert (far / "disk").stat().st_blocks * 512 < 10_000_000
assert mode(far / "disk") == "0o600"

# By its name, and from there: an image that Glance has no longer.
os.chown(far / "disk", 64055, 64055)
copy(f"n1:{GUEST}/disk", GUEST / "back")
assert (GUEST / "back").read_bytes() == disk.read_bytes()

# A link leads nowhere.
(GUEST / "link").symlink_to("/etc")
subprocess.run(["rsync", "--archive", str(GUEST / "link"), f"{FAR}:{GUEST}/"], check=True)
assert not (far / "link").readlink().is_relative_to("/etc")

# Nothing else is there.
for place in ("/etc/onestack", "/mnt/etc/n1/tls/host.key", "/run", "/proc/1/environ"):
    refused(f"{FAR}:{place}", GUEST / "stolen")
    assert not (GUEST / "stolen").exists()
refused(disk, f"{FAR}:/usr/bin/x")
refused(disk, f"{FAR}:/x")
refused(disk, f"{FAR}:{INSTANCES}/_base/x")
assert not list((there / "var/lib/nova/instances/_base").iterdir())

# What Nova does when a copy failed.
driver.remove_dir(FAR, str(GUEST), None, None)
assert not far.exists()
assert mode(far.parent) == "0o755", mode(far.parent)

server.send_signal(signal.SIGTERM)
assert server.wait(30) == 0
assert "Traceback" not in log.read_text(), log.read_text()
