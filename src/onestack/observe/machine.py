"""The host's own figures under the names of node_exporter, from /proc: those that its dashboards ask for first.

A process of node_exporter's would be 20 MiB on each host for what is read here in a millisecond.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from onestack.observe.gauges import Sample, gauge

PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_SECTOR = 512
"""Bytes of a sector in /proc/diskstats, whatever the disk's are."""
_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_DISK = {
    "reads_completed_total": (3, 1.0),
    "read_bytes_total": (5, _SECTOR),
    "read_time_seconds_total": (6, 0.001),
    "writes_completed_total": (7, 1.0),
    "written_bytes_total": (9, _SECTOR),
    "write_time_seconds_total": (10, 0.001),
    "io_time_seconds_total": (12, 0.001),
    "io_time_weighted_seconds_total": (13, 0.001),
}
"""The field of each counter in /proc/diskstats, and its unit."""
_NETWORK = {
    "receive_bytes_total": 0,
    "receive_packets_total": 1,
    "receive_errs_total": 2,
    "receive_drop_total": 3,
    "transmit_bytes_total": 8,
    "transmit_packets_total": 9,
    "transmit_errs_total": 10,
    "transmit_drop_total": 11,
}
_NO_DISK = re.compile(r"(ram|loop|fd|sr|zram)\d+|(sd|vd|xvd|hd)[a-z]+\d+|nvme\d+n\d+p\d+")
"""As node_exporter ignores them: partitions, and what is no disk."""
_GUESTS = re.compile(r"tap|qbr|qvo|qvb")
"""Guests' interfaces: they are among libvirt's metrics."""
_ESCAPED = re.compile(r"\\(\d{3})")
_NO_FILE_SYSTEM = {
    *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs"),
    *(
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "nsfs",
        "overlay",
        "proc",
        "procfs",
        "pstore",
        "rpc_pipefs",
        "securityfs",
    ),
    *("selinuxfs", "squashfs", "sysfs", "tracefs", "tmpfs", "ramfs", "efivarfs"),
}


def families(proc: Path = PROC) -> Iterator[Metric]:
    """The metrics of this host. What the kernel does not tell, such as pressure, is left out."""
    yield from _cpu((proc / "stat").read_text())
    yield from _memory((proc / "meminfo").read_text())
    yield from _load((proc / "loadavg").read_text())
    yield from _disks((proc / "diskstats").read_text())
    yield from _network((proc / "net/dev").read_text())
    yield from _file_systems((proc / "self/mounts").read_text())
    yield from _pressure(proc / "pressure")
    found = os.uname()
    names = {
        "sysname": found.sysname,
        "release": found.release,
        "version": found.version,
        "machine": found.machine,
        "nodename": found.nodename,
        "domainname": "(none)",
    }
    yield gauge("node_uname_info", "The kernel; 1.", list(names), [(tuple(names.values()), 1.0)])
    yield _single("node_time_seconds", "Unix time.", time.time())


def _single(name: str, description: str, value: float) -> Metric:
    return gauge(name, description, [], [((), value)])


def _counter(name: str, description: str, labels: Sequence[str], samples: Sequence[Sample]) -> Metric:
    family = CounterMetricFamily(name, description, labels=list(labels))
    for key, value in samples:
        family.add_metric(list(key), value)
    return family


def _cpu(text: str) -> Iterator[Metric]:
    rows = [line.split() for line in text.splitlines()]
    samples = [
        ((words[0][3:], mode), int(value) / _TICKS)
        for words in rows
        if re.fullmatch(r"cpu\d+", words[0])
        for mode, value in zip(_MODES, words[1:], strict=False)
    ]
    yield _counter("node_cpu_seconds_total", "Processor time by mode.", ("cpu", "mode"), samples)
    facts = {words[0]: float(words[1]) for words in rows if len(words) > 1}
    for key, name, description in (
        ("btime", "node_boot_time_seconds", "When the host was started, Unix time."),
        ("procs_running", "node_procs_running", "Processes that run."),
        ("procs_blocked", "node_procs_blocked", "Processes that wait for disks."),
    ):
        yield _single(name, description, facts[key])
    for key, name, description in (
        ("ctxt", "node_context_switches_total", "Context switches."),
        ("intr", "node_intr_total", "Interrupts."),
        ("processes", "node_forks_total", "Processes that were started."),
    ):
        yield _counter(name, description, (), [((), facts[key])])


def _memory(text: str) -> Iterator[Metric]:
    for name, value, unit in re.findall(r"^([\w()]+):\s+(\d+)( kB)?$", text, re.M):
        word = name.replace("(", "_").replace(")", "")
        yield _single(
            f"node_memory_{word}{'_bytes' if unit else ''}",
            f"{name} of /proc/meminfo.",
            float(value) * (1024 if unit else 1),
        )


def _load(text: str) -> Iterator[Metric]:
    for minutes, value in zip((1, 5, 15), text.split(), strict=False):
        yield _single(f"node_load{minutes}", f"The mean load of {minutes} min.", float(value))


def _disks(text: str) -> Iterator[Metric]:
    rows = [words for line in text.splitlines() if not _NO_DISK.fullmatch((words := line.split())[2])]
    for name, (field, factor) in _DISK.items():
        samples = [((words[2],), int(words[field]) * factor) for words in rows]
        yield _counter(f"node_disk_{name}", f"{name} of a disk.", ("device",), samples)


def _network(text: str) -> Iterator[Metric]:
    rows = {
        name.strip(): values.split()
        for name, colon, values in (line.partition(":") for line in text.splitlines())
        if colon and not _GUESTS.match(name.strip())
    }
    for name, field in _NETWORK.items():
        samples = [((device,), float(values[field])) for device, values in rows.items()]
        yield _counter(f"node_network_{name}", f"{name} of an interface.", ("device",), samples)


def _file_systems(text: str) -> Iterator[Metric]:
    names = ("size_bytes", "free_bytes", "avail_bytes", "files", "files_free")
    rows: dict[str, tuple[tuple[str, str, str], tuple[float, ...]]] = {}
    for line in text.splitlines():
        device, place, kind = (
            _ESCAPED.sub(lambda found: chr(int(found[1], 8)), word) for word in line.split()[:3]
        )
        # What is mounted at several places, as for a cloud's namespace, counts at the first.
        if kind in _NO_FILE_SYSTEM or device in rows:
            continue
        try:
            seen = os.statvfs(place)
        except OSError:
            continue
        size = seen.f_frsize
        values = (seen.f_blocks * size, seen.f_bfree * size, seen.f_bavail * size, seen.f_files, seen.f_ffree)
        rows[device] = (device, kind, place), values
    for index, name in enumerate(names):
        samples = [(key, float(values[index])) for key, values in rows.values()]
        yield gauge(
            f"node_filesystem_{name}",
            f"{name} of a file system.",
            ["device", "fstype", "mountpoint"],
            samples,
        )


def _pressure(folder: Path) -> Iterator[Metric]:
    for resource in ("cpu", "io", "memory"):
        try:
            text = (folder / resource).read_text()
        except OSError:
            continue
        for kind, word in (("some", "waiting"), ("full", "stalled")):
            found = re.search(rf"^{kind} .*total=(\d+)", text, re.M)
            if found and not (resource == "cpu" and kind == "full"):
                name = f"node_pressure_{resource}_{word}_seconds_total"
                yield _counter(name, f"Time {word} for {resource}.", (), [((), int(found[1]) / 1e6)])
