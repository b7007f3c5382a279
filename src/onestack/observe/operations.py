"""What an operator asks of a cloud's metrics and records."""

from __future__ import annotations

from onestack.observe import usage
from onestack.observe.prometheus import Firing, Prometheus
from onestack.observe.usage import Period, Usage
from onestack.platform.site import Site


class Observing:
    """The alerts and the usage of one cloud."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def alerts(self) -> list[Firing]:
        """The alerts of its Prometheus, critical ones first. Raises TemporaryError."""
        return Prometheus(self._site).alerts()

    def usage(self, month: str | None = None) -> tuple[Period, list[Usage]]:
        """What each tenant used in a month, YYYY-MM in UTC; in the present one if None. Raises BadInput,
        CommandFailed, PermanentError."""
        period = usage.month(month)
        self._site.require_leader()
        return period, usage.report(self._site, period)
