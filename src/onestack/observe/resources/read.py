"""Reads the metrics of all services of a cloud, now and then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from onestack.core.errors import OneStackError
from onestack.observe import gauges
from onestack.observe.resources import database, mysql, neutron, nova, others
from onestack.observe.resources.metric import Group
from onestack.platform.site import Site

LOG = logging.getLogger("onestack.exporter")
GROUPS = (
    nova.GROUP,
    neutron.GROUP,
    others.CINDER,
    others.GLANCE,
    others.KEYSTONE,
    others.PLACEMENT,
    others.OCTAVIA,
)
EVERY = 60.0
"""Seconds between two readings."""
OLDEST = 3 * EVERY
"""Seconds after which a reading is not served any more."""
SECONDS = 30.0
"""The timeout of the queries of one service."""


def families(group: Group, output: str) -> list[Family]:
    """The metrics of a service. `output`: of the queries, a line for each sample. Raises ValueError."""
    found = {
        each.name: GaugeMetricFamily(
            f"{each.prefix or group.prefix}_{each.name}", each.description, labels=list(each.labels)
        )
        for each in group.metrics
    }
    for name, (*labels, value) in database.rows(output):
        found[name].add_metric(["" if each is None else str(each) for each in labels], float(value or 0))
    return list(found.values())


def up(group: Group, value: bool) -> Family:
    """Whether a service's metrics could be read."""
    family = GaugeMetricFamily(f"{group.prefix}_up", "Whether these metrics could be read.")
    family.add_metric([], float(value))
    return family


def groups(site: Site) -> list[Group]:
    """The services of a cloud that have metrics."""
    return [each for each in GROUPS if each.service in site.view.cloud.services]


def read(site: Site, wanted: Sequence[Group]) -> list[Family]:
    """The metrics of these services and of MariaDB. Those of one that cannot be read are missing; its `…_up` is 0."""
    found: list[Family] = []
    for group in wanted:
        sql = "".join(each.query() for each in group.metrics)
        try:
            found += families(group, database.ask(site, sql, SECONDS))
        except (OneStackError, OSError, ValueError, KeyError) as error:
            LOG.warning("%s cannot be read: %s", group.prefix, error)
            found.append(up(group, False))
        else:
            found.append(up(group, True))
    try:
        found += mysql.families(database.rows(database.ask(site, mysql.query(), SECONDS)))
    except (OneStackError, OSError, ValueError) as error:
        LOG.warning("MariaDB cannot be read: %s", error)
        found.append(mysql.up(False))
    return found


class Reader:
    """Reads each minute in a thread of its own. `text` may be called from any thread.

    A reading is kept as text: it is served a dozen times.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._found = b""
        self._read_at = float("-inf")

    def start(self) -> None:
        threading.Thread(target=self._run, name="resources", daemon=True).start()

    def text(self) -> bytes:
        """The last reading, unless it is too old."""
        return self._found if time.monotonic() - self._read_at <= OLDEST else b""

    def _run(self) -> None:
        wanted = groups(self._site)
        while True:
            self._found, self._read_at = gauges.text(read(self._site, wanted)), time.monotonic()
            time.sleep(EVERY)
