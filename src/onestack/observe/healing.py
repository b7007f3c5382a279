"""The metrics of healing, from what this host's healer wrote last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.metrics_core import Metric

from onestack.observe.gauges import gauge


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
    yield gauge(
        "onestack_healing_timestamp_seconds",
        "When the healer read the leases, Unix time.",
        [],
        [((), written)],
    )
    yield gauge(
        "onestack_healing_restrained",
        "Whether too many hosts look lost to do anything.",
        [],
        [((), restrained)],
    )
    yield gauge(
        "onestack_healing_host_silent",
        "Whether a host does not renew its lease, and is not fenced.",
        ["host"],
        [((each,), float(each in suspects)) for each in hosts],
    )
    yield gauge(
        "onestack_healing_host_fenced",
        "Whether a host is fenced.",
        ["host"],
        [((each,), float(each in fenced)) for each in hosts],
    )
