"""What is read off a machine's /proc, /sys and /etc."""

from __future__ import annotations

import os
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

import pytest
from machines import bare_kernel, tree

from onestack.host import facts, proc
from onestack.host.facts import Disk, gather


def test_a_whole_machine(tmp_path: Path) -> None:
    seen = gather([Path("/data")], root=tree(tmp_path), disk=lambda path: Disk(123, 7))
    assert (seen.system.id, seen.system.version, seen.system.codename) == ("debian", "12", "bookworm")
    assert seen.system.name == "Debian GNU/Linux 12 (bookworm)"
    assert (seen.kernel, seen.cpus, seen.virtualization) == ("6.1.0-test", 2, True)
    assert (seen.memory, seen.memory_available) == (7960, 7168)
    assert seen.disks == {Path("/data"): Disk(123, 7)}
    assert seen.systemd
    assert seen.programs == {"apt-get"}
    assert not seen.keyring
    assert seen.addresses == (
        IPv4Address("192.0.2.2"),
        IPv4Address("127.0.0.1"),
        IPv6Address("::1"),
        IPv6Address("fe80::fc:ff:fe00:1"),
    )
    assert seen.interfaces == ("eth0", "lo")
    assert seen.uplinks == ("eth0",)
    assert seen.uid == os.geteuid()


def test_nothing_can_be_read(tmp_path: Path) -> None:
    seen = gather(root=tmp_path / "nowhere")
    assert seen.system.name == "an unknown system"
    assert not seen.system.supported
    assert (seen.cpus, seen.memory, seen.listeners, seen.routes, seen.addresses) == (1, 0, (), (), ())
    assert set(seen.features.values()) == {"unknown"}
    assert not seen.openvswitch
    assert seen.tun == facts.Device(False, False, "it does not exist")


def test_this_very_machine_can_be_read() -> None:
    seen = gather([Path("/no/such/folder")])
    assert seen.memory > 0
    assert IPv4Address("127.0.0.1") in seen.addresses
    assert seen.disks[Path("/no/such/folder")].free > 0


@pytest.mark.parametrize(
    ("name", "version", "machine", "supported"),
    [
        ("debian", "12", "x86_64", True),
        ("debian", "13", "x86_64", True),
        ("ubuntu", "24.04", "x86_64", True),
        ("debian", "12", "aarch64", False),
        ("debian", "11", "x86_64", False),
        ("ubuntu", "22.04", "x86_64", False),
        ("fedora", "43", "x86_64", False),
    ],
)
def test_supported_systems(tmp_path: Path, name: str, version: str, machine: str, supported: bool) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text(f"ID={name}\nVERSION_ID='{version}'\n")
    assert facts.system(tmp_path, machine).supported is supported


def test_features_loaded_built_in_loadable_and_absent(tmp_path: Path) -> None:
    found = facts.features(tree(tmp_path), "6.1.0-test")
    assert found == {
        "openvswitch": "loadable",
        "dm_mod": "loadable",
        "overlay": "loaded",
        "nf_tables": "loaded",
        "tun": "loaded",
        "veth": "loaded",
        "vxlan": "loaded",
        "geneve": "loadable",
        "vhost_net": "absent",
    }


def test_features_of_a_kernel_that_tells_its_configuration_only(tmp_path: Path) -> None:
    options = "CONFIG_TUN=y\nCONFIG_GENEVE=m\n# CONFIG_OPENVSWITCH is not set\n"
    found = facts.features(bare_kernel(tmp_path, options), "6.18")
    assert found["tun"] == "loaded"
    assert found["openvswitch"] == "absent"
    assert found["geneve"] == "absent", "a module that is not installed cannot be loaded"


def test_features_from_the_configuration_in_boot(tmp_path: Path) -> None:
    root = tree(tmp_path, {"boot/config-6.1.0-test": "CONFIG_VHOST_NET=y\n"})
    assert facts.features(root, "6.1.0-test")["vhost_net"] == "loaded"


def test_routes_but_not_the_default_nor_those_that_are_down_or_refuse(tmp_path: Path) -> None:
    seen = gather(root=tree(tmp_path))
    assert [(str(route.network), route.interface) for route in seen.routes] == [
        ("192.0.2.0/24", "eth0"),
        ("172.17.0.0/16", "docker0"),
    ]


@pytest.mark.parametrize(
    ("network", "ignore", "through"),
    [
        ("192.0.2.128/25", (), ["eth0"]),
        ("172.16.0.0/12", (), ["docker0"]),
        ("172.16.0.0/12", ("docker0",), []),
        ("172.24.4.0/24", (), []),
    ],
)
def test_overlapping(tmp_path: Path, network: str, ignore: tuple[str, ...], through: list[str]) -> None:
    seen = gather(root=tree(tmp_path))
    assert [route.interface for route in seen.overlapping(IPv4Network(network), ignore)] == through


def test_listeners_and_who_holds_them(tmp_path: Path) -> None:
    found = {one.port: one for one in facts.listeners(tree(tmp_path))}
    assert set(found) == {8080, 22, 23}
    assert found[8080].address == IPv4Address("127.0.0.1")
    assert found[8080].who == "nginx (pid 77)"
    assert found[22].address == IPv6Address("::")
    assert found[22].who == "an unknown process"
    assert found[23].address == IPv4Address("127.0.0.1"), "an IPv4 address in IPv6's clothes"


def test_a_device_that_opens_and_one_that_does_not(tmp_path: Path) -> None:
    node = tmp_path / "kvm"
    assert facts.device(node) == facts.Device(False, False, "it does not exist")
    node.write_text("")
    assert facts.device(node) == facts.Device(True, True)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert facts.device(folder) == facts.Device(True, False, "Is a directory")


def test_systemd_only_where_it_is_process_1(tmp_path: Path) -> None:
    assert not gather(root=tree(tmp_path, {"proc/1/comm": "tini\n"})).systemd


def test_module_names() -> None:
    text = "kernel/a/dm-mod.ko.xz: kernel/b/other.ko\nextra/openvswitch.ko:\nkernel/net/tun.ko\n"
    assert proc.module_files(text) == {"dm_mod", "openvswitch", "tun"}


def test_no_virtualization_in_the_flags() -> None:
    assert not proc.virtualization("processor : 0\nflags : fpu svmx\n")
    assert proc.virtualization("flags\t: fpu svm lm\n")
