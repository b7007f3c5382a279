"""Reads guests' metrics from the exporters of the cloud's other hosts, where scaling groups have members too."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from prometheus_client.parser import text_string_to_metric_families

from onestack.observe.exporter import GUEST
from onestack.observe.observation import GuestRates
from onestack.platform.places import CA, PROMETHEUS_CERTIFICATE
from onestack.platform.site import Site
from onestack.platform.view import HostView

SECONDS = 3.0
"""The timeout of one request, as for what is observed on this host."""


class Peers:
    """The exporters of the other hosts, as read by the leader."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def guests(self, failures: list[str]) -> dict[str, GuestRates]:
        """The guests of all other hosts that run guests, by server id. What could not be read is added to `failures`.

        None in a cloud of one host, or without monitoring: then there are no exporters.
        """
        hosts = [each for each in self._site.peers if "compute" in each.roles]
        if not hosts or not self._site.spec.monitored:
            return {}

        try:
            # Loaded each time, since `up` renews certificates while the autoscaler runs.
            context = self._tls_context()
        except OSError as error:
            failures.append(f"guests of other hosts: {error}")
            return {}

        def read(host: HostView) -> str | Exception:
            try:
                return self._get_metrics(host, context)
            except (OSError, http.client.HTTPException) as error:
                return error

        # In parallel: an exporter that hangs must not delay the others.
        with ThreadPoolExecutor(len(hosts)) as pool:
            answers = list(pool.map(read, hosts))
        found: dict[str, GuestRates] = {}
        for host, answer in zip(hosts, answers, strict=True):
            if isinstance(answer, Exception):
                failures.append(f"guests of {host.name}: {type(answer).__name__}: {answer}")
                continue
            try:
                found |= guests(answer)
            except ValueError as error:
                failures.append(f"guests of {host.name}: {error}")
        return found

    def _get_metrics(self, host: HostView, context: ssl.SSLContext) -> str:
        port = self._site.spec.platform.monitoring.exporter_port
        connection = http.client.HTTPSConnection(host.address, port, timeout=SECONDS, context=context)
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            if response.status != 200:
                raise OSError(f"HTTP {response.status}")
            return response.read().decode()
        finally:
            connection.close()

    def _tls_context(self) -> ssl.SSLContext:
        here = self._site.here
        context = ssl.create_default_context(cafile=str(here.outside(CA)))
        context.load_cert_chain(here.outside(PROMETHEUS_CERTIFICATE))
        return context


def guests(text: str) -> Mapping[str, GuestRates]:
    """The guests in an exporter's metrics, by server id. Raises ValueError if the text is in another format."""
    columns = {f"onestack_guest_{name}": attribute for name, (attribute, _) in GUEST.items()}
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if attribute := columns.get(sample.name):
                found.setdefault(sample.labels["server"], {})[attribute] = sample.value
    return {
        server: GuestRates(**{attribute: rates.get(attribute) for attribute in columns.values()})
        for server, rates in found.items()
    }
