"""How a metric is made of its samples."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

Sample = tuple[tuple[str, ...], float]
"""The values of the labels, and the metric's."""


def gauge(name: str, description: str, labels: list[str], samples: Iterable[Sample]) -> Metric:
    """A gauge with its samples."""
    found = GaugeMetricFamily(name, description, labels=labels)
    for key, value in samples:
        found.add_metric(list(key), value)
    return found
