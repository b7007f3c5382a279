"""Machines to test on: a tree of files as /proc, /sys and /etc have them, and facts made by hand."""

from __future__ import annotations

import gzip
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from onestack.core.paths import Paths
from onestack.host.facts import FEATURES, PROGRAMS, Device, Disk, Facts, System
from onestack.host.proc import Route

BOOKWORM = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION_CODENAME=bookworm
ID=debian
"""

CPUINFO = """\
processor\t: 0
model name\t: Some CPU
flags\t\t: fpu vme sse2 vmx smx
processor\t: 1
flags\t\t: fpu vme sse2 vmx smx
"""

MEMINFO = (
    "MemTotal:        8151040 kB\nMemFree:  1 kB\nMemAvailable:    7340032 kB\nHugePages_Total:       0\n"
)

ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t0000000A\t00000000\t0000\t0\t0\t0\t000000FF\t0\t0\t0
*\t0000A8C0\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0
"""

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        |-- 192.0.2.0
           /24 link UNICAST
        |-- 192.0.2.2
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
     |-- 192.0.2.2
        /32 host LOCAL
"""

IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
"""

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 632 1
   1: 020200C0:A3E4 0100000A:01BB 01 00000000:00000000 00:00000000 00000000     0        0 633 1
"""

TCP6 = """\
  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0 0A 0:0 00:0 0 0 0 700 1
   1: 0000000000000000FFFF00000100007F:0017 00000000000000000000000000000000:0 0A 0:0 00:0 0 0 0 701 1
"""


def tree(root: Path, files: dict[str, str] | None = None) -> Path:
    """A Debian 12 with systemd, eth0 at 192.0.2.2, and nginx (pid 77) on 127.0.0.1:8080."""
    content = {
        "etc/os-release": BOOKWORM,
        "proc/1/comm": "systemd\n",
        "proc/sys/kernel/osrelease": "6.1.0-test\n",
        "proc/cpuinfo": CPUINFO,
        "proc/meminfo": MEMINFO,
        "proc/modules": "veth 40960 0 - Live 0x0\noverlay 1 1 x, Live 0x0\n",
        "proc/net/route": ROUTE,
        "proc/net/fib_trie": FIB_TRIE,
        "proc/net/if_inet6": IF_INET6,
        "proc/net/tcp": TCP,
        "proc/net/tcp6": TCP6,
        "proc/77/comm": "nginx\n",
        "sys/class/net/eth0/mtu": "1500\n",
        "sys/class/net/lo/mtu": "65536\n",
        "sys/module/vxlan/refcnt": "0\n",
        "lib/modules/6.1.0-test/modules.builtin": (
            "kernel/drivers/net/tun.ko\nkernel/net/netfilter/nf_tables.ko\n"
        ),
        "lib/modules/6.1.0-test/modules.dep": (
            "kernel/net/openvswitch/openvswitch.ko.xz: kernel/net/nsh/nsh.ko.xz\n"
            "kernel/drivers/md/dm-mod.ko.zst:\nkernel/drivers/net/geneve.ko: kernel/net/ipv4/udp_tunnel.ko\n"
        ),
        "dev/net/tun": "",
        "usr/bin/apt-get": "",
        **(files or {}),
    }
    for name, text in content.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (root / "run/systemd/system").mkdir(parents=True, exist_ok=True)
    holder = root / "proc/77/fd/3"
    holder.parent.mkdir(parents=True, exist_ok=True)
    if not holder.is_symlink():
        holder.symlink_to("socket:[632]")
    return root


def bare_kernel(root: Path, options: str) -> Path:
    """A kernel without modules that tells its configuration only."""
    (root / "proc").mkdir(parents=True, exist_ok=True)
    (root / "proc/config.gz").write_bytes(gzip.compress(options.encode()))
    return root


PATHS = Paths(Path("/"), Path("/var/cache/onestack"))

GOOD = Facts(
    system=System("debian", "13", "trixie", "Debian GNU/Linux 13 (trixie)", "x86_64"),
    kernel="6.12",
    cpus=4,
    virtualization=True,
    memory=8000,
    memory_available=7000,
    disks={PATHS.cache: Disk(50_000, 1), PATHS.lib: Disk(50_000, 1)},
    uid=0,
    python="3.13.0",
    systemd=True,
    programs=frozenset(PROGRAMS),
    keyring=True,
    kvm=Device(True, True),
    tun=Device(True, True),
    features=dict.fromkeys(FEATURES, "loaded"),
    addresses=(ip_address("127.0.0.1"), ip_address("192.0.2.2"), ip_address("fe80::1")),
    interfaces=("eth0", "eth1", "lo"),
    routes=(Route(ip_network("192.0.2.0/24"), "eth0"),),  # type: ignore[arg-type]
    uplinks=("eth0",),
    resolvers=("192.0.2.53",),
)


def machine(**changes: Any) -> Facts:
    """A machine on which nothing stands in the way, but for `changes`."""
    return replace(GOOD, **changes)
