"""Guests' counters under the names of libvirt-exporter, from what `virsh domstats` said anyway. Pure.

A series has the domain's name; whose server that is, `libvirt_domain_openstack_info` says (`resources.nova`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from onestack.observe.gauges import gauge

NANOSECONDS = 1e-9
KIB = 1024.0
Facts = Mapping[str, str]
"""What `virsh domstats` says of a domain: key -> value."""


@dataclass(frozen=True)
class Figure:
    """A metric. `key`: libvirt's, below what is counted. `factor`: from libvirt's unit to that of the metric. A name
    that ends in `_total` is a counter's."""

    name: str
    key: str
    description: str
    factor: float = 1.0


DOMAIN = (
    Figure("domain_info_maximum_memory_bytes", "balloon.maximum", "Memory at most.", KIB),
    Figure("domain_info_memory_usage_bytes", "balloon.current", "Memory it has now.", KIB),
    Figure("domain_info_virtual_cpus", "vcpu.current", "Virtual CPUs."),
    Figure("domain_info_cpu_time_seconds_total", "cpu.time", "Processor time used.", NANOSECONDS),
    Figure("domain_vcpu_current", "vcpu.current", "Virtual CPUs that are online."),
    Figure("domain_vcpu_maximum", "vcpu.maximum", "Virtual CPUs at most."),
    Figure("domain_memory_stats_current_balloon_bytes", "balloon.current", "The balloon's size.", KIB),
    Figure("domain_memory_stats_maximum_bytes", "balloon.maximum", "Memory at most.", KIB),
    Figure("domain_memory_stats_rss_bytes", "balloon.rss", "Memory that QEMU has of the host.", KIB),
    Figure("domain_memory_stats_unused_bytes", "balloon.unused", "Memory the guest does not use.", KIB),
    Figure("domain_memory_stats_available_bytes", "balloon.available", "Memory as the guest sees it.", KIB),
    Figure("domain_memory_stats_usable_bytes", "balloon.usable", "Memory the guest could give back.", KIB),
    Figure("domain_memory_stats_disk_caches_bytes", "balloon.disk_caches", "The guest's disk caches.", KIB),
    Figure("domain_memory_stats_swap_in_bytes", "balloon.swap_in", "Read from the guest's swap.", KIB),
    Figure("domain_memory_stats_swap_out_bytes", "balloon.swap_out", "Written to the guest's swap.", KIB),
    Figure("domain_memory_stats_major_fault_total", "balloon.major_fault", "Page faults with a disk access."),
    Figure("domain_memory_stats_minor_fault_total", "balloon.minor_fault", "Page faults without one."),
)
VCPU = (
    Figure("domain_vcpu_state", "state", "0: offline, 1: running, 2: blocked."),
    Figure("domain_vcpu_time_seconds_total", "time", "Processor time used.", NANOSECONDS),
    Figure("domain_vcpu_wait_seconds_total", "wait", "Time it waited for a processor.", NANOSECONDS),
    Figure("domain_vcpu_delay_seconds_total", "delay", "Time it stood in the queue.", NANOSECONDS),
)
BLOCK = (
    Figure("domain_block_stats_read_bytes_total", "rd.bytes", "Bytes read."),
    Figure("domain_block_stats_read_requests_total", "rd.reqs", "Reads."),
    Figure("domain_block_stats_read_time_seconds_total", "rd.times", "Time of reads.", NANOSECONDS),
    Figure("domain_block_stats_write_bytes_total", "wr.bytes", "Bytes written."),
    Figure("domain_block_stats_write_requests_total", "wr.reqs", "Writes."),
    Figure("domain_block_stats_write_time_seconds_total", "wr.times", "Time of writes.", NANOSECONDS),
    Figure("domain_block_stats_flush_requests_total", "fl.reqs", "Flushes."),
    Figure("domain_block_stats_flush_time_seconds_total", "fl.times", "Time of flushes.", NANOSECONDS),
    Figure("domain_block_stats_capacity_bytes", "capacity", "The disk's size."),
)
INTERFACE = tuple(
    Figure(f"domain_interface_stats_{name}_{word}_total", f"{way}.{key}", f"{title} {done}.")
    for name, way, done in (("receive", "rx", "received"), ("transmit", "tx", "transmitted"))
    for word, key, title in (
        ("bytes", "bytes", "Bytes"),
        ("packets", "pkts", "Packets"),
        ("errors", "errs", "Packets with errors when"),
        ("drops", "drop", "Packets dropped when"),
    )
)
_STATES = ("no state", "the domain is running", "the domain is blocked on resource",
           "the domain is paused by user", "the domain is being shut down", "the domain is shut off",
           "the domain is crashed", "the domain is suspended by guest power management")  # fmt: skip


def families(domains: Mapping[str, Facts]) -> Iterator[Metric]:
    """The metrics of all domains of a host, by name."""
    yield gauge("libvirt_up", "Whether libvirt answers.", [], [((), 1.0)])
    yield gauge("libvirt_domains", "Domains.", [], [((), float(len(domains)))])
    codes = {name: int(facts.get("state.state", 0)) for name, facts in domains.items()}
    states = [((name, _STATES[code]), float(code)) for name, code in codes.items() if code < len(_STATES)]
    yield gauge("libvirt_domain_info_state", "A domain's state.", ["domain", "state_desc"], states)
    yield from _of(DOMAIN, domains, ["domain"], lambda facts: {(): ""})
    yield from _of(
        VCPU, domains, ["domain", "vcpu"], lambda facts: _parts(facts, "vcpu", "maximum", named=False)
    )
    yield from _of(BLOCK, domains, ["domain", "target_device"], lambda facts: _parts(facts, "block", "count"))
    yield from _of(
        INTERFACE, domains, ["domain", "target_device"], lambda facts: _parts(facts, "net", "count")
    )


def _parts(facts: Facts, kind: str, number: str, *, named: bool = True) -> dict[tuple[str, ...], str]:
    """The parts of a domain: labels -> the prefix of their keys. A backing file of a disk is listed after it, with
    the same name: it has no counters of its own."""
    found: dict[tuple[str, ...], str] = {}
    for index in range(int(facts.get(f"{kind}.{number}", 0))):
        prefix = f"{kind}.{index}."
        found.setdefault((facts.get(f"{prefix}name", str(index)) if named else str(index),), prefix)
    return found


def _of(
    figures: tuple[Figure, ...],
    domains: Mapping[str, Facts],
    labels: list[str],
    parts: Callable[[Facts], Mapping[tuple[str, ...], str]],
) -> Iterator[Metric]:
    # Once for all figures: this is done at each scrape.
    listed = [
        ((name, *more), facts, prefix)
        for name, facts in domains.items()
        for more, prefix in parts(facts).items()
    ]
    for figure in figures:
        counter = figure.name.endswith("_total")
        make = CounterMetricFamily if counter else GaugeMetricFamily
        family = make(f"libvirt_{figure.name}", figure.description, labels=labels)
        for key, facts, prefix in listed:
            value = facts.get(prefix + figure.key)
            if value is not None:
                family.add_metric(key, float(value) * figure.factor)
        yield family
