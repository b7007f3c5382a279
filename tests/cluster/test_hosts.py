"""Pretended hosts are separate, reach each other by ssh, can be lost and come back, and leave nothing behind."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import processes
from cluster.host import REPOSITORY, Host, loops
from cluster.hosts import NAMES, Hosts
from onestack.core.errors import OneStackError, PermanentError, TemporaryError
from onestack.core.wait import until
from onestack.host.command import CommandFailed
from onestack.host.machine import RemoteMachine, ssh

pytestmark = pytest.mark.cluster

FAR = """
from onestack.host.machine import RemoteMachine, ssh
with RemoteMachine("n1", ssh.command(ssh.Address("n1"))) as far:
    print(far.run(["hostname"]).output.strip(), *far.interfaces())
"""


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    """A folder for hosts of a test's own; they are taken down in any case."""
    yield tmp_path / "hosts"
    left = Hosts(tmp_path / "hosts")
    with left.locked():
        left.down()


def ssh_words(hosts: Hosts, name: str, *words: str) -> list[str]:
    return ["ssh", "-F", str(hosts.ssh_config), "-o", "BatchMode=yes", name, *words]


def leave(host: Host, *words: str) -> None:
    """Start something in a host that goes on, and wait until its last word is run."""
    host.run("sh", "-c", 'setsid -f "$@" > /dev/null 2>&1', "sh", *words)
    last = " ".join(words[words.index("sleep") :])
    until(f"{last} to run", lambda: (last in map(processes.words, host.pids()), ""), seconds=20, every=0.02)


def reached(host: Host, other: str) -> bool:
    """Whether a host gets a connection to another's sshd, and a greeting."""
    words = (
        "import socket, sys\n"
        "made = socket.create_connection((sys.argv[1], 22), 1)\n"
        "made.settimeout(1)\n"
        "sys.exit(not made.recv(4).startswith(b'SSH'))"
    )
    try:
        host.run("/usr/bin/python3", "-c", words, other)
    except CommandFailed:
        return False
    return True


def test_each_is_a_host_of_its_own(hosts: Hosts) -> None:
    looks = {
        host.name: host.run("cat", "/etc/hostname", "/etc/machine-id", "/proc/sys/kernel/random/boot_id")
        for host in hosts
    }
    assert len({line for text in looks.values() for line in text.splitlines()}) == 3 * len(NAMES)
    for host in hosts:
        assert host.run("hostname").strip() == host.name
        assert host.run("ls", "/sys/class/net").split() == ["eth0", "lo"]
        assert NAMES[host.name] in host.run("ip", "-4", "-o", "address", "show", "dev", "eth0")
        assert (
            "sshd" in host.run("cat", "/proc/1/task/1/children", "/proc/*/comm", check=False) or host.pids()
        )
        # Nothing of the machine's processes, clouds and other tests is seen.
        assert len([each for each in host.run("ls", "/proc").split() if each.isdigit()]) < 6
        assert not (host.folder / "root/etc").exists()
        assert host.run("ls", "/var/tmp") == ""
        assert "onestack" not in host.run("ls", "/etc", "/var/lib", "/var/log", "/run")
    for place in ("/etc", "/run", "/tmp", "/var/lib", "/dev/shm"):
        file = f"{place}/onestack-test-separate"
        hosts["n1"].run("touch", file)
        assert not Path(file).exists()
        assert hosts["n2"].run("ls", file, check=False).strip().endswith("No such file or directory")
        hosts["n1"].run("rm", file)
    # The project and the parts of a cloud are the machine's.
    assert hosts["n1"].run("cat", str(REPOSITORY / "onestack")) == (REPOSITORY / "onestack").read_text()
    assert "Read-only file system" in hosts["n1"].run("touch", str(REPOSITORY / "x"), check=False)


def test_they_reach_each_other(hosts: Hosts) -> None:
    for name, address in NAMES.items():
        assert hosts["c1"].run("ssh", name, "hostname").strip() == name
        assert hosts["c1"].run("ssh", address, "hostname").strip() == name
        said = subprocess.run(ssh_words(hosts, name, "hostname"), capture_output=True, text=True, check=True)
        assert said.stdout.strip() == name
    assert "Permission denied" in hosts["n1"].run(
        *("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new", "n2", "true"), check=False
    )
    hosts["n1"].run("rm", "-r", "/root/.ssh/known_hosts")
    greeting = "import socket; print(socket.create_connection(('10.77.0.22', 22), 5).recv(3))"
    said = subprocess.run(
        hosts.client_command([sys.executable, "-c", greeting]), capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "b'SSH'"
    # The machine is not in their network.
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True)
    assert "10.77.0." not in routes.stdout


def test_a_remote_machine_from_c1_and_from_the_machine(hosts: Hosts) -> None:
    assert hosts["c1"].run(sys.executable, "-c", FAR).split() == ["n1", "eth0", "lo"]
    with RemoteMachine("n2", ssh.command(ssh.Address("n2", configuration=hosts.ssh_config))) as far:
        assert far.run(["hostname"]).output.strip() == "n2"
        assert NAMES["n2"] in str(far.facts().addresses)


def test_a_lost_host_is_silent_and_comes_back_as_after_a_boot(hosts: Hosts) -> None:
    host, boot = hosts["n1"], "/proc/sys/kernel/random/boot_id"
    before = host.run("cat", boot), host.run("cat", "/sys/class/net/eth0/address")
    host.run("sh", "-c", "mkdir /run/old; echo kept > /root/kept")
    leave(host, "sleep", "300")
    # A pid namespace made within goes with it.
    leave(host, "unshare", "--pid", "--fork", "sleep", "301")
    all_of_it = [processes.Held.of(pid) for pid in host.pids()]
    assert len(all_of_it) >= 5
    patient = ssh.command(ssh.Address("n1", configuration=hosts.ssh_config))
    with RemoteMachine("n1", [word.replace("Interval=5", "Interval=1") for word in patient]) as far:
        host.lose()
        with pytest.raises(TemporaryError, match="connection to n1 was lost"):
            far.run(["true"])
    assert not any(each.lives for each in all_of_it)
    with pytest.raises(PermanentError, match="is lost"):
        host.run("true")
    assert not reached(hosts["c1"], "n1")
    assert reached(hosts["c1"], "n2")
    host.back()
    after = host.run("cat", boot), host.run("cat", "/sys/class/net/eth0/address")
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert host.run("ls", "/run").split() == ["lock", "sshd"]
    assert host.run("cat", "/root/kept").strip() == "kept"
    assert hosts["c1"].run("ssh", "n1", "hostname").strip() == "n1"
    assert host.changes() == {"files": ["+ /root/kept -rw-r--r-- 0:0 5 bytes " + digest(b"kept\n")]}
    host.run("rm", "/root/kept")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def test_a_frozen_host_goes_on_where_it_was(hosts: Hosts) -> None:
    host = hosts["n2"]
    leave(host, "unshare", "--pid", "--fork", "sleep", "302")
    pids = host.pids()
    host.freeze()
    states = {Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in pids}
    assert states == {"T"}
    assert not reached(hosts["c1"], "n2")
    # The kernel goes on: what a frozen host has open is not closed.
    neighbour = hosts["c1"].run("ip", "neigh", "show", NAMES["n2"])
    assert "FAILED" not in neighbour
    host.back()
    # Connections that came meanwhile are taken now.
    assert set(host.pids()) >= set(pids)
    assert reached(hosts["c1"], "n2")
    for pid in pids:
        if processes.words(pid).endswith("sleep 302"):
            os.kill(pid, signal.SIGKILL)


def test_a_host_that_is_cut_off_goes_on_alone(hosts: Hosts) -> None:
    host = hosts["n2"]
    host.cut()
    assert not reached(hosts["c1"], "n2")
    assert not reached(host, "c1")
    assert host.run("hostname").strip() == "n2"
    host.back()
    until("n2 to be reached again", lambda: (reached(hosts["c1"], "n2"), ""), seconds=20)


def test_what_a_host_was_changed_by_is_named(hosts: Hosts) -> None:
    host = hosts["n1"]
    assert host.changes() == {}
    host.run(
        "sh",
        "-c",
        "echo more >> /etc/hosts; rm /etc/passwd-; mkdir /etc/new; touch /etc/new/file /tmp/t /run/r",
    )
    host.run("ip", "link", "add", "test0", "type", "bridge")
    host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
    host.run("ip", "route", "add", "10.99.0.0/16", "via", NAMES["c1"])
    host.run("mount", "-t", "tmpfs", "test", "/mnt")
    leave(host, "sleep", "303")
    found = host.changes()
    assert {line.split()[1] for line in found.pop("files")} >= {
        "/etc/hosts",
        "/etc/new",
        "/etc/new/file",
        "/tmp/t",
    }
    assert found.pop("routes") == [f"+ 10.99.0.0/16 via {NAMES['c1']} dev eth0"]
    assert found.pop("mounts") == ["+ /mnt tmpfs"]
    assert found.pop("processes") == ["+ sleep 303"]
    assert found.pop("run") == ["+ /run/r -rw-r--r--"]
    assert "+ net/ipv4/ip_forward = 1" in found.pop("settings")
    assert len(found.pop("interfaces")) == 1
    assert found == {}
    host.lose()
    host.back()
    host.run(
        "sh", "-c", "rm -r /etc/new /tmp/t; grep -v more /etc/hosts > /tmp/hosts; cat /tmp/hosts > /etc/hosts"
    )
    host.run("rm", "/tmp/hosts")


def of_work(work: Path) -> list[str]:
    """What the machine shows of hosts in a folder: mounts, loop devices, processes."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(work) in line]
    behind = [each for name in NAMES for each in loops(work / name / "image")]
    return [*mounts, *behind, *(["files"] if work.exists() else [])]


def users(namespaces: set[int]) -> list[int]:
    """The processes in some network namespaces."""
    found = []
    for place in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            if place.stat().st_ino in namespaces:
                found.append(int(place.parts[2]))
        except OSError:
            continue
    return found


def test_removal_leaves_nothing(work: Path) -> None:
    links = sorted(
        path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(("to-", "wire"))
    )
    made = Hosts(work)
    with made.locked():
        made.up({"n1": NAMES["n1"]})
    first = made["n1"].init
    assert first is not None
    # While they are there the machine has no mount, interface or named namespace of theirs either.
    assert of_work(work) == [*loops(work / "n1" / "image"), "files"]
    namespaces = {first.namespace("net").stat().st_ino}
    command = made.client_command(["true"])
    namespaces.add(Path(command[1].removeprefix("--net=")).stat().st_ino)
    assert users(namespaces)
    leave(made["n1"], "sleep", "304")
    with made.locked():
        made.down()
    assert of_work(work) == []
    until("no process to be left", lambda: (not (left := users(namespaces)), str(left)), seconds=20)
    assert links == sorted(
        path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(("to-", "wire"))
    )


@pytest.mark.parametrize("late", ["n1/image", "n1/init", "n2/init"])
def test_what_a_killed_start_left_is_taken_away(work: Path, late: str) -> None:
    words = [sys.executable, "-m", "tests.cluster.hosts", "--work", str(work), "up"]
    with subprocess.Popen(
        [*words, *(f"{name}={NAMES[name]}" for name in ("n1", "n2"))],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
    ) as started:
        until(f"{late} to be there", lambda: ((work / late).exists(), ""), seconds=60, every=0.005)
        started.kill()
    left = Hosts(work)
    ends = [first for host in left if (first := host.init) is not None]
    with left.locked():
        left.down()
    assert of_work(work) == []
    assert not any(each.lives for each in ends)


def test_a_machine_that_cannot_have_them_says_why(hosts: Hosts, tmp_path: Path) -> None:
    host = Host(
        "n9", hosts["n1"].address, tmp_path, hosts["n1"].wire, shared={str(tmp_path / "no"): ("/mnt/no", "")}
    )
    host.make()
    try:
        with pytest.raises(PermanentError, match="n9 cannot be made on this machine") as failed:
            host.start()
        assert "mount" in failed.value.detail
    finally:
        host.end()


def test_only_one_at_a_time_makes_or_removes_them(work: Path) -> None:
    one, other = Hosts(work), Hosts(work)
    with one.locked(), pytest.raises(OneStackError, match="another command or test run"), other.locked():
        pass
