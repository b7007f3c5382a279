"""The exporter of a host that is not the leader, as a process: the control host's Prometheus and autoscaler ask it.

On the leader the autoscaler observes and exports.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time

from onestack.core.paths import Paths
from onestack.observe.collect import Collector
from onestack.observe.exporter import Exporter
from onestack.platform import site

PERIOD = 5.0
"""Seconds between two observations, as on the leader."""


def run(exporter: Exporter, collector: Collector, stop: threading.Event) -> None:
    """Observe until `stop`, or until the supervisor that started this process is gone."""
    supervisor = os.getppid()
    exporter.start()
    pause = 0.0
    while not stop.wait(pause) and os.getppid() == supervisor:
        began = time.monotonic()
        exporter.set(collector.collect())
        pause = max(0.0, PERIOD - (time.monotonic() - began))


def main(root: str, cache: str) -> None:
    """Run the exporter of this host's part of the cloud under `root`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    found = site.load(Paths.at(root, cache))
    run(Exporter(found), Collector(found), threading.Event())


if __name__ == "__main__":
    main(*sys.argv[1:3])
