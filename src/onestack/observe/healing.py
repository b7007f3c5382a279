"""The metrics of healing, from what this host's healer wrote last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric


def families(file: Path) -> Iterator[Metric]:
    """The metrics; none where there is no healer. How old they are is one of them."""
    try:
        noted = json.loads(file.read_text())
        hosts = sorted(noted["hosts"])
        suspects, fenced = set(noted["suspects"]), set(noted["fenced"])
        restrained, written = float(noted["restrained"]), float(noted["time"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    hosts = sorted({*hosts, *fenced})
    yield _gauge("timestamp_seconds", "When the healer read the leases, Unix time.", [], [((), written)])
    yield _gauge("restrained", "Whether too many hosts look lost to do anything.", [], [((), restrained)])
    yield _gauge(
        "host_silent",
        "Whether a host does not renew its lease, and is not fenced.",
        ["host"],
        [((each,), float(each in suspects)) for each in hosts],
    )
    yield _gauge(
        "host_fenced",
        "Whether a host is fenced.",
        ["host"],
        [((each,), float(each in fenced)) for each in hosts],
    )


def _gauge(
    name: str, about: str, labels: list[str], samples: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    gauge = GaugeMetricFamily(f"onestack_healing_{name}", about, labels=labels)
    for key, value in samples:
        gauge.add_metric(list(key), value)
    return gauge
