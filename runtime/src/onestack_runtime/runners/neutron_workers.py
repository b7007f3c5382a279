"""Neutron's workers as threads: the plugins' periodic work and OVN's maintenance.

Upstream runs them as processes of their own, each with its own copy of OVN's databases. Here they share the API's:
one copy, one set of events. This is the cloud's only Neutron process, so it always holds the lock that selects one of
several maintenance workers.
"""

from __future__ import annotations

from typing import Any

from onestack_runtime import series


class Workers:
    """Everything that upstream's neutron-periodic-workers and neutron-ovn-maintenance-worker do."""

    def __init__(self) -> None:
        self._periodic: list[Any] = []
        self._maintenance: Any = None
        self._driver: Any = None

    def start(self) -> None:
        """Start the workers; the API must have been initialized before."""
        from neutron.plugins.ml2.drivers.ovn.mech_driver.ovsdb import worker as ovn_worker
        from neutron_lib.callbacks import events, registry, resources
        from neutron_lib.plugins import directory

        for plugin in directory.get_unique_plugins():
            for worker in plugin.get_workers() if hasattr(plugin, "get_workers") else []:
                if isinstance(worker, ovn_worker.MaintenanceWorker):
                    continue
                worker.start()
                self._periodic.append(worker)
        self._driver = directory.get_plugin().mechanism_manager.mech_drivers["ovn"].obj
        self._maintenance = _maintenance_thread(self._driver)
        self._maintenance.start()
        registry.publish(resources.PROCESS, events.AFTER_SPAWN, None)

    def stop(self) -> None:
        """Stop the workers, and remove this process from the OVN hash ring, which distributes events."""
        # There is no public function for it: upstream calls this at process exit, which we do not wait for.
        self._driver._remove_node_from_hash_ring()
        for worker in self._periodic:
            worker.stop()


def _maintenance_thread(driver: Any) -> Any:
    """The driver's own maintenance thread, on the API's database connections."""
    from neutron.plugins.ml2.drivers.ovn.mech_driver.ovsdb import maintenance
    from neutron_lib.plugins import directory

    class Inconsistencies(maintenance.DBInconsistenciesPeriodics):  # type: ignore[misc]
        """Repairs differences between Neutron's database and OVN's; no other process does so."""

        has_lock = True

    thread = maintenance.MaintenanceThread()
    series.here().before_maintenance(driver)
    thread.add_periodics(Inconsistencies(driver._ovn_client))
    for plugin in directory.get_plugins().values():
        # Plugins may bring maintenance of their own (upstream's convention).
        bring = getattr(plugin, "ovn_maintenance_periodics", None)
        for periodics in bring(driver._ovn_client) if bring else []:
            thread.add_periodics(periodics)
    return thread
