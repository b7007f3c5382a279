"""The real image boots without KVM, becomes the server the metadata tell of, serves, obeys the power button.

Needs root and the base (`onestack up` makes it): its QEMU boots the image; metadata come from a small server
at 169.254.169.254 inside QEMU's own network, which reaches nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from onestack.core.paths import Paths
from onestack.core.wait import until
from onestack.host import guest, hypervisor
from onestack.host.command import run
from onestack.host.guest.image import boot_files
from onestack.host.guest.inside import SHARED, inside

pytestmark = pytest.mark.cloud

BOOT = 150.0
"""Seconds a boot may take: 10 on an idle machine with two cores, and tests run on busy ones."""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDhnCXvTNZc+4IJ2buFH1NGpBXFL6iUQj+haVvmT3ZU+ somebody"
METADATA = {
    "uuid": "83679162-1378-4288-a2d4-70e13ec132aa",
    "meta": {"hostname": "not-me"},
    "hostname": "web-1.novalocal",
    "public_keys": {"mine": f"{KEY}\n"},
}
USER_DATA = """#!/bin/sh
echo "keys: $(cat /home/tiny/.ssh/authorized_keys)"
echo "sudo: $(sudo -u root id -u)"
mkdir -p /var/www
echo "kept by $(hostname)" >/var/www/kept
mkdir -p /var/lib/cloud/scripts/per-boot
cat >/var/lib/cloud/scripts/per-boot/count <<'END'
#!/bin/sh
echo "again on $(hostname)" >>/var/www/boots
END
chmod 755 /var/lib/cloud/scripts/per-boot/count
echo "not to be run" >/var/lib/cloud/scripts/per-boot/note
"""


@dataclass
class Machine:
    """A booted image."""

    share: Path
    port: int
    ssh_port: int
    process: subprocess.Popen[bytes]

    def console(self) -> str:
        log = self.share / "serial.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def expect(self, words: str) -> None:
        until(
            f"{words!r} on the console",
            lambda: (words in self.console(), self.console()[-300:]),
            seconds=BOOT,
            every=0.2,
        )

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def press_power(self) -> None:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.share / "monitor"))
            talk = monitor.makefile("rw")
            for command in ("qmp_capabilities", "system_powerdown"):
                talk.write(json.dumps({"execute": command}))
                talk.flush()
                while '"return"' not in talk.readline():
                    pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def base() -> Path:
    found = Paths.at().release("2026.2") / "base"
    if not found.exists():
        pytest.fail(f"{found} is not there: run `onestack up` once, it builds the base")
    if os.geteuid() != 0:
        pytest.fail("this test must run as root")
    return found


@pytest.fixture(scope="module")
def share(base: Path) -> Iterator[Path]:
    """The image and its metadata. A short path: it holds a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="guest-"))
    guest.build(base, folder / "tiny.qcow2")
    tree = folder / "metadata/openstack/latest"
    tree.mkdir(parents=True)
    (tree / "meta_data.json").write_text(json.dumps(METADATA))
    (tree / "user_data").write_text(USER_DATA)
    yield folder
    shutil.rmtree(folder)


def boot(base: Path, share: Path, machine: str, metadata: list[str]) -> Iterator[Machine]:
    """`metadata`: QEMU's words for where they come from."""
    (share / "serial.log").unlink(missing_ok=True)
    port, ssh_port = free_port(), free_port()
    net = [
        *("user", "id=net", "restrict=on", "net=169.254.169.0/24", "dhcpstart=169.254.169.15"),
        *(f"hostfwd=tcp:127.0.0.1:{ours}-:{theirs}" for ours, theirs in ((port, 80), (ssh_port, 22))),
    ]
    argv = [
        *("timeout", "--signal=KILL", f"{BOOT * 2:.0f}", "qemu-system-x86_64", "-machine", machine),
        *("-accel", "tcg", "-m", "96", "-nodefaults", "-vga", "none", "-display", "none", "-no-reboot"),
        *("-serial", f"file:{SHARED}/serial.log", "-qmp", f"unix:{SHARED}/monitor,server,nowait"),
        *("-drive", f"file={SHARED}/tiny.qcow2,if=virtio,format=qcow2"),
        *("-netdev", ",".join([*net, *(word for word in metadata if word.startswith("guestfwd="))])),
        *("-device", "virtio-net-pci,netdev=net"),
        *(word for word in metadata if not word.startswith("guestfwd=")),
    ]
    process = subprocess.Popen(inside(base, share, argv), stdin=subprocess.DEVNULL)
    try:
        yield Machine(share, port, ssh_port, process)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def first(base: Path, share: Path) -> Iterator[Machine]:
    """The first boot of the image, with the metadata service."""
    service = f"guestfwd=tcp:169.254.169.254:80-cmd:busybox httpd -i -h {SHARED}/metadata"
    for machine in boot(base, share, "pc", [service]):
        machine.expect("user data: ended")
        yield machine


def test_it_becomes_the_server_the_metadata_tell_of(first: Machine) -> None:
    assert first.get("/") == (200, "hostname=web-1 address=169.254.169.15\n")
    said = first.console()
    assert "onestack-guest: dhcp eth0 169.254.169.15" in said
    assert "onestack-guest: ready hostname=web-1 address=169.254.169.15" in said


def test_it_runs_user_data_as_root_with_the_keys_in_place(first: Machine) -> None:
    said = first.console()
    assert f"user data: keys: {KEY}" in said
    assert "user data: sudo: 0" in said
    assert "user data: ended with status 0" in said


def test_it_speaks_ssh(first: Machine) -> None:
    with socket.create_connection(("127.0.0.1", first.ssh_port), timeout=30) as connection:
        assert connection.recv(64).startswith(b"SSH-2.0-dropbear")


def test_it_serves(first: Machine) -> None:
    assert first.get("/health") == (200, "ok\n")
    assert first.get("/health", "HEAD") == (200, "")
    assert first.get("/kept") == (200, "kept by web-1\n")
    assert first.get("/nothing")[0] == 404
    assert first.get("/../etc/passwd")[0] == 404
    assert first.get("/", "POST")[0] == 405


@pytest.mark.parametrize("seconds", ["0", "61", "-1", "x", "", "1;reboot", "100000"])
def test_it_burns_within_bounds_only(first: Machine, seconds: str) -> None:
    assert first.get(f"/burn?seconds={seconds}")[0] == 400


def test_it_answers_while_it_burns(first: Machine) -> None:
    assert first.get("/burn?seconds=5") == (200, "burning=5\n")
    assert first.get("/health") == (200, "ok\n")


def test_it_obeys_the_power_button_and_keeps_what_was_written(
    first: Machine, base: Path, share: Path
) -> None:
    first.press_power()
    assert first.process.wait(timeout=60) == 0
    assert "onestack-guest: power button" in first.console()
    # Again on the other machine type, with a configuration drive instead of the service.
    make = [
        "genisoimage",
        "-quiet",
        "-V",
        "config-2",
        "-r",
        "-J",
        "-o",
        f"{SHARED}/drive.iso",
        f"{SHARED}/metadata",
    ]
    run(inside(base, share, make))
    drive = ["-drive", f"file={SHARED}/drive.iso,format=raw,if=none,id=drive,readonly=on"]
    for second in boot(base, share, "q35", [*drive, "-device", "ide-cd,drive=drive"]):
        second.expect("onestack-guest: ready")
        assert "metadata from the configuration drive /dev/sr0" in second.console()
        assert second.get("/kept") == (200, "kept by web-1\n")
        assert "user data" not in second.console()
        # User data run once; what they left to be run at every boot runs from now on.
        second.expect("at every boot: count ended with status 0")
        assert second.get("/boots") == (200, "again on web-1\n")
        assert "at every boot: note" not in second.console()


def test_what_proves_kvm_is_a_real_boot(base: Path, tmp_path: Path) -> None:
    boot_files(base, tmp_path)
    probe = hypervisor.boots(inside(base, tmp_path, hypervisor.qemu("tcg", BOOT)), BOOT, silence=60)
    assert probe.usable, probe.reason


def test_kvm_is_judged_and_nothing_is_left(base: Path, tmp_path: Path) -> None:
    cache = tmp_path / "kvm.json"
    probe = hypervisor.probe_kvm(base, cache=cache)
    assert probe.reason
    assert probe.usable == (probe.seconds is not None)
    assert cache.exists() == Path("/dev/kvm").exists()
    assert hypervisor.probe_kvm(base, cache=cache) == probe
    # Other clouds may mount what they like meanwhile.
    assert "onestack-kvm-" not in Path("/proc/self/mountinfo").read_text()
