"""What Nova finds out, and writes down, again for each server that it makes, although it cannot have changed."""

from __future__ import annotations

import time
from typing import Any

SECONDS = 60.0
"""How long it is good for that all are of this release."""
NO_REQUESTS = "[]"
"""A server's requests for PCI devices as Nova writes them down, where there are none."""
_SAVED = "_onestack_saved_requests"


def of_versions(service: Any) -> None:
    """Which release the oldest nova-compute is of: once all are of this one, asked once a minute.

    `service`: nova.objects.service. It asks each cell, in a thread of its own, four times for each server. What it is
    told can become older again: services that are forced down, and cells that are away, do not count.
    """
    ask = service.get_minimum_version_all_cells
    current: dict[tuple[frozenset[str], bool], float] = {}

    def get_minimum_version_all_cells(context: Any, binaries: Any, require_all: bool = False) -> Any:
        key = (frozenset(binaries), require_all)
        now = time.monotonic()
        if now - current.get(key, float("-inf")) < SECONDS:
            return service.SERVICE_VERSION
        version = ask(context, binaries, require_all=require_all)
        if version == service.SERVICE_VERSION:
            current[key] = now
        return version

    service.get_minimum_version_all_cells = get_minimum_version_all_cells


def of_devices(instance: Any) -> None:
    """That a server wants no PCI devices: written down once, not whenever anything else about it is.

    `instance`: Nova's class Instance.
    """
    note, save, refresh = instance._save_pci_requests, instance.save, instance.refresh

    def _save_pci_requests(self: Any, context: Any) -> None:
        wanted = self.pci_requests.to_json()
        if not wanted == vars(self).get(_SAVED) == NO_REQUESTS:
            note(self, context)
        vars(self)[_SAVED] = wanted

    def saved(self: Any, *args: Any, **named: Any) -> Any:
        try:
            return save(self, *args, **named)
        except BaseException:
            vars(self).pop(_SAVED, None)
            raise

    def refreshed(self: Any, *args: Any, **named: Any) -> Any:
        # It may have got what somebody else wrote.
        vars(self).pop(_SAVED, None)
        return refresh(self, *args, **named)

    instance._save_pci_requests = _save_pci_requests
    instance.save = saved
    instance.refresh = refreshed
