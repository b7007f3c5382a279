"""Hosts that `up` cannot have: it says which one, why, and what to do, and changes nothing. No cloud comes up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from cluster.cloud import SPEC, UP_SECONDS, fetch_parts
from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from onestack.core.wait import until
from onestack.spec import load

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

KEYS = "/root/.ssh/authorized_keys"
KNOWN = "/root/.ssh/known_hosts"


def up(host: Host, *words: str) -> tuple[int, str]:
    """The exit status of `up` there with the three hosts' file, and all that it said."""
    argv = ["env", "NO_COLOR=1", str(REPOSITORY / "onestack"), "up", str(SPEC), *words]
    ran = subprocess.run(host.command(argv), capture_output=True, text=True, timeout=UP_SECONDS, check=False)
    return ran.returncode, " ".join((ran.stdout + ran.stderr).split())


@pytest.fixture(scope="module", autouse=True)
def before(all_hosts: Hosts) -> None:
    """Other tests may have left files of their own on the hosts: what these change counts from here."""
    for host in all_hosts:
        host.keep()


@pytest.fixture
def fresh(hosts: Hosts) -> Iterator[Hosts]:
    """The hosts without a cloud, and without one after the test."""
    for host in hosts:
        assert host.run("ls", "/etc/onestack", check=False).strip().endswith("No such file or directory")
    yield hosts
    for host in hosts:
        host.back()
        host.run("rm", "-rf", "/etc/onestack", "/var/lib/onestack", "/var/log/onestack", "/run/onestack.lock")


def nothing_is_there(hosts: Hosts) -> None:
    for host in hosts:
        assert host.run("ls", "/etc/onestack", check=False).strip().endswith("No such file or directory")


def test_one_whose_key_does_not_let_us_in(fresh: Hosts) -> None:
    kept = fresh["n1"].run("cat", KEYS)
    fresh["n1"].run("sh", "-c", f": > {KEYS}")
    try:
        status, said = up(fresh["c1"])
    finally:
        fresh["n1"].run("sh", "-c", f'printf %s "$1" > {KEYS}', "sh", kept)
    assert status == 1
    assert "n1 cannot be reached" in said and "Permission denied" in said
    assert "`onestack host key` prints" in said
    nothing_is_there(fresh)


def test_another_machine_at_its_address(fresh: Hosts) -> None:
    control = fresh["c1"]
    kept = control.run("cat", KNOWN)
    # As if n2 had answered at n1's address when the two first met.
    lines = kept.splitlines()
    (key,) = (line.partition(" ")[2] for line in lines if line.startswith("n2,"))
    swapped = "".join(f"n1,10.77.0.21 {key}\n" if line.startswith("n1,") else f"{line}\n" for line in lines)
    control.run("sh", "-c", f'printf %s "$1" > {KNOWN}', "sh", swapped)
    try:
        status, said = up(control)
    finally:
        control.run("sh", "-c", f'printf %s "$1" > {KNOWN}', "sh", kept)
    assert status == 1
    assert "n1 cannot be reached" in said and "has changed" in said and "ssh-keygen -R" in said
    nothing_is_there(fresh)


def test_two_that_are_away_are_both_named(fresh: Hosts) -> None:
    for name in ("n1", "n2"):
        fresh[name].cut()
    status, said = up(fresh["c1"])
    assert status == 1
    assert "n1 cannot be reached" in said and "n2 cannot be reached" in said
    assert "is the host switched on" in said
    nothing_is_there(fresh)


def test_one_with_another_system(fresh: Hosts) -> None:
    there = fresh["n1"]
    kept = there.run("cat", "/etc/os-release")
    link = there.run("readlink", "/etc/os-release").strip()
    text = 'ID=ubuntu\nVERSION_ID="24.04"\n'
    there.run("sh", "-c", 'rm /etc/os-release; printf %s "$1" > /etc/os-release', "sh", text)
    try:
        status, said = up(fresh["c1"])
    finally:
        there.run("rm", "/etc/os-release")
        there.run("ln", "-s", link, "/etc/os-release")
    assert status == 2
    assert "n1 runs ubuntu 24.04, this host debian" in said and "same Debian or Ubuntu release" in said
    assert there.run("cat", "/etc/os-release") == kept
    nothing_is_there(fresh)


def test_one_that_has_a_cloud_of_its_own(fresh: Hosts) -> None:
    there = fresh["n1"]
    there.run("mkdir", "/etc/onestack")
    for name, text in (("choices.json", json.dumps({"host": "n1"})), ("cloud.yaml", "version: 1\n")):
        there.run("sh", "-c", f'printf %s "$1" > /etc/onestack/{name}', "sh", text)
    status, said = up(fresh["c1"])
    assert status == 2
    assert "the machine at 10.77.0.21 has a cloud of its own" in said and "examples/hosts.yaml:" in said
    assert there.run("cat", "/etc/onestack/cloud.yaml") == "version: 1\n"


def test_one_without_space_on_its_disk(fresh: Hosts) -> None:
    fetch_parts(load(SPEC))
    there = fresh["n1"]
    free = int(there.run("df", "--output=avail", "-BM", "/var/lib").split()[-1].rstrip("M"))
    there.run("fallocate", "-l", f"{free - 300}M", "/var/lib/full")
    try:
        status, said = up(fresh["c1"])
    finally:
        there.run("rm", "/var/lib/full")
    assert status == 2
    assert "not enough disk space" in said and "n1" in said
    # The control host is what it was: nothing is brought up half.
    assert "No such file" in fresh["c1"].run("ls", "/etc/onestack/choices.json", check=False)


def test_a_machine_that_is_no_host_of_the_cloud(fresh: Hosts) -> None:
    status, said = up(fresh["n2"])
    assert status == 2
    assert "this machine is not the control host" in said and "run the command on c1" in said
    nothing_is_there(fresh)


def test_afterwards_all_of_them_are_as_they_were(fresh: Hosts) -> None:
    for host in fresh:
        until(
            f"{host.name} to be left alone", lambda h=host: (h.changes() == {}, str(h.changes())), seconds=60
        )  # type: ignore[misc]
