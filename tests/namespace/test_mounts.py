"""What a cloud's namespace is made of: the base read-only, the cloud's folders, nothing of the machine's disks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onestack.core.paths import Paths
from onestack.host import namespace, netns, network, processes
from onestack.host.namespace import Layout

LAYOUT = Layout(Path("/c/base"), Path("/c/env"), Path("/c/runtime"), Paths(Path("/srv/two"), Path("/c")))


def test_the_base_is_mounted_first_and_read_only() -> None:
    commands = namespace.mounts(LAYOUT, Path("/stage"))
    assert commands[0] == ["mount", "--bind", "/c/base", "/stage"]
    assert commands[1] == ["mount", "-o", "remount,bind,ro", "/stage"]


def test_the_clouds_folders_have_fixed_places() -> None:
    binds = {
        argv[-1].removeprefix("/stage"): argv[-2]
        for argv in namespace.mounts(LAYOUT, Path("/stage"))
        if argv[1] == "--bind"
    }
    assert binds["/run"] == "/srv/two/run/onestack"
    assert binds["/var/lib"] == "/srv/two/var/lib/onestack/data"
    assert binds["/var/log"] == "/srv/two/var/log/onestack"
    assert binds["/etc/onestack"] == "/srv/two/etc/onestack"
    assert binds["/usr/lib/onestack"] == "/c/env"
    # Of the machine itself: its names for hosts, its time.
    machines = {source for source in binds.values() if source.startswith("/etc")}
    assert machines <= {"/etc/hosts", "/etc/resolv.conf", "/etc/localtime"}


def test_a_tree_beside_the_base_has_what_a_daemon_writes_and_no_configuration() -> None:
    layout = namespace.beside("bus", Path("/c/bus"), LAYOUT.paths)
    commands = namespace.mounts(layout, Path("/stage"))
    assert commands[:2] == [
        ["mount", "--bind", "/c/bus", "/stage"],
        ["mount", "-o", "remount,bind,ro", "/stage"],
    ]
    inside = {argv[-1].removeprefix("/stage") for argv in commands if argv[1] == "--bind"}
    assert inside - {""} == {"/run", "/var/lib", "/var/log", "/tmp", "/var/tmp"}


def test_a_tree_beside_the_base_has_a_namespace_of_its_own(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    words = namespace.enter(paths, ["epmd"], "bus")
    assert words == ["nsenter", f"--mount={tmp_path}/run/onestack/ns/mnt-bus", "--wdns=/", "--", "epmd"]
    handle = namespace.mount_handle(paths, "bus")
    handle.parent.mkdir(parents=True)
    handle.touch()
    assert namespace.trees(paths) == []
    assert processes.rooted_in(handle) == []
    assert processes.rooted_in(handle.with_name("none")) == []
    namespace.remove_tree(paths, "bus")
    assert not handle.exists()


def test_processes_of_a_namespace_are_found_by_its_file() -> None:
    assert os.getpid() in {each.pid for each in processes.rooted_in(Path("/proc/self/ns/mnt"))}


def test_dev_is_a_small_one_of_its_own() -> None:
    devs = [argv for argv in namespace.mounts(LAYOUT, Path("/stage")) if argv[-1] == "/stage/dev"]
    assert devs == [["mount", "-t", "tmpfs", "-o", "mode=755,size=1m", "onestack-dev", "/stage/dev"]]


def test_entering_execs_and_goes_into_its_network_where_there_is_one(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    words = namespace.enter(paths, ["virsh", "list"])
    assert words == ["nsenter", f"--mount={tmp_path}/run/onestack/ns/mnt", "--wdns=/", "--", "virsh", "list"]
    netns.handle(paths).parent.mkdir(parents=True)
    netns.handle(paths).touch()
    assert f"--net={tmp_path}/run/onestack/ns/net" in namespace.enter(paths, ["virsh"])
    assert not network.shared_with_machine(paths)


def test_a_file_that_holds_nothing_is_no_namespace(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    namespace.mount_handle(paths).parent.mkdir(parents=True)
    namespace.mount_handle(paths).touch()
    assert not namespace.exists(paths)
    assert not namespace.outdated(Layout(tmp_path, tmp_path, tmp_path, paths))
    assert processes.inside(paths.run) == []
    namespace.remove(paths)
    assert not namespace.mount_handle(paths).parent.exists()


def test_processes_are_found_by_what_they_see_as_run(tmp_path: Path) -> None:
    found = {each.pid: each for each in processes.inside(Path("/run"))}
    assert found[os.getpid()].words[0]
    assert not found[os.getpid()].is_guest
    assert processes.inside(tmp_path) == []
    assert processes.inside(tmp_path / "not there") == []


@pytest.mark.parametrize(
    ("words", "guest"),
    [(("/usr/bin/qemu-system-x86_64", "-name"), True), (("qemu-img", "info"), False), ((), False)],
)
def test_a_guest_is_told_by_its_program(words: tuple[str, ...], guest: bool) -> None:
    assert processes.Proc(1, words).is_guest is guest


def test_the_machines_end_gets_its_address_and_packet_size() -> None:
    commands = network.commands("172.24.4.1", 24, 1400)
    assert ["ip", "address", "replace", "172.24.4.1/24", "dev", network.HERE] in commands
    assert ["ip", "link", "set", network.PLUGGED, "mtu", "1400", "up"] in commands
    # The kernel refuses longer names.
    assert max(len(name) for name in (network.HERE, network.PLUGGED)) <= 15


def test_removing_interfaces_that_are_not_there_is_no_error() -> None:
    network.delete(["not-there"])
    assert "lo" in network.interfaces()
