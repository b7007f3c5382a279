"""Queries the cloud's own Prometheus: a number, a range of them, or whether a query is valid."""

from __future__ import annotations

import http.client
import json
import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from onestack.core.errors import BadInput, TemporaryError
from onestack.platform.site import Site

SECONDS = 5.0
"""The timeout of a request; Prometheus itself gives up a query a little earlier."""
_LIMIT = "4s"


class QueryRefused(BadInput):
    """Prometheus refuses the query; `summary` has its message."""


@dataclass(frozen=True)
class Firing:
    """An alert whose expression holds. `state`: `firing`, or `pending` until it has held for long enough. `since`: in
    ISO 8601."""

    name: str
    severity: str
    state: str
    summary: str
    action: str
    since: str


class Prometheus:
    """A client of one cloud's Prometheus, for any thread, inside or outside of the cloud's network."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def query(self, promql: str) -> float | None:
        """The present value of a query: a scalar, or the sum of a vector's samples.

        None if there is none (no data, too old, or not a number). Raises QueryRefused, and TemporaryError if
        Prometheus cannot be reached or cannot answer now.
        """
        answer = self._get("query", query=promql, timeout=_LIMIT)
        kind, result = answer["resultType"], answer["result"]
        if kind == "scalar":
            values = [float(result[1])]
        elif kind == "vector":
            values = [float(each["value"][1]) for each in result if "value" in each]
        else:
            raise QueryRefused(
                f"'{promql}' yields a {kind}, not a number", hint="a query of one value: sum(...)"
            )
        known = [value for value in values if math.isfinite(value)]
        # A sum without a part that is not a number would be too small.
        return sum(known) if known and len(known) == len(values) else None

    def range(self, promql: str, start: float, end: float, step: float) -> list[tuple[float, float]]:
        """The values of a query over time (Unix times, seconds); several series are added. Raises as `query` does."""
        answer = self._get("query_range", query=promql, start=f"{start:.3f}", end=f"{end:.3f}",
                         step=f"{step:g}", timeout=_LIMIT)  # fmt: skip
        found: dict[float, float] = {}
        for series in answer["result"]:
            for moment, text in series.get("values", ()):
                if math.isfinite(value := float(text)):
                    found[float(moment)] = found.get(float(moment), 0.0) + value
        return sorted(found.items())

    def alerts(self) -> list[Firing]:
        """The alerts whose expression holds now, critical ones first. Raises TemporaryError."""
        found = [
            Firing(
                each["labels"]["alertname"],
                each["labels"].get("severity", ""),
                each["state"],
                each["annotations"].get("summary", ""),
                each["annotations"].get("action", ""),
                each["activeAt"],
            )
            for each in self._get("alerts")["alerts"]
        ]
        return sorted(found, key=lambda each: (each.severity, each.state, each.name, each.summary))

    def check(self, promql: str) -> None:
        """Raise QueryRefused if a query can never yield a number, TemporaryError if Prometheus cannot be reached."""
        self.query(promql)

    def _get(self, what: str, **words: str) -> Any:
        if not self._site.spec.monitored:
            raise TemporaryError(
                "this cloud has no Prometheus",
                delay=60,
                hint="set platform.monitoring.enabled: true in the spec, and run `onestack up`",
            )
        try:
            connection = self._connected(self._site.spec.platform.monitoring.port)
            try:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                given = (
                    ("POST", f"/api/v1/{what}", urlencode(words), form)
                    if words
                    else ("GET", f"/api/v1/{what}")
                )
                connection.request(*given)
                answer = connection.getresponse()
                status, body = answer.status, answer.read()
            finally:
                connection.close()
            answer = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(self._site, f"{type(error).__name__}: {error}") from error
        if answer.get("status") == "success":
            return answer["data"]
        reason = str(answer.get("error", body[:200]))
        if answer.get("errorType") in ("bad_data", "execution") and status < 500:
            raise QueryRefused(f"Prometheus refuses the query '{words.get('query', '')}': {reason}")
        raise _unreachable(self._site, reason)

    def _connected(self, port: int) -> http.client.HTTPConnection:
        """A connection made in the cloud's network; it stays there, whichever network the thread enters."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self._site.leader.network.call(connection.connect)
        return connection


def _unreachable(site: Site, why: str) -> TemporaryError:
    return TemporaryError(
        f"Prometheus does not answer: {why}",
        delay=5,
        where=str(site.leader.log("prometheus")),
        hint="`onestack status` shows whether it runs",
    )
