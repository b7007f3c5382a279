"""What nova-compute asks Placement at each server: not who else is on its host.

At every claim and every periodic update, Nova's resource tracker asks for the allocations of each server on the
host, one call for each: the time of making a server grows with their number. They are used where providers are
reshaped: by a driver at nova-compute's start, and, where PCI devices are in Placement, at any time.
"""

from __future__ import annotations

from typing import Any


def when_used(client: Any, conf: Any) -> None:
    """`client`: the report client of one host's resource tracker. `conf`: Nova's configuration."""
    ask = client.get_allocations_for_provider_tree
    started: set[str] = set()

    def allocations(context: Any, nodename: str) -> Any:
        if nodename in started and not conf.pci.report_in_placement:
            return {}
        told = ask(context, nodename)
        started.add(nodename)
        return told

    client.get_allocations_for_provider_tree = allocations
