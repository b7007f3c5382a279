"""How a metric is made of its samples, and metrics become text."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
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


def text(found: Iterable[Metric]) -> bytes:
    """Metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Fixed(found))
    return generate_latest(registry)


class _Fixed:
    """A collector of prometheus_client with a fixed list of metrics."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = list(found)

    def collect(self) -> list[Metric]:
        return self._found
