"""Loaded as `nova.virt.onestack_fake`: Nova's fake driver, for several hosts in one process.

Upstream's fake drivers either have a new node UUID at each start (and cannot be restarted) or share the process's
UUID; here each host's UUID is derived from its name.
"""

from __future__ import annotations

import uuid
from typing import Any

from nova.virt import fake
from nova.volume import cinder

from onestack_runtime import contract

_NAMESPACE = uuid.UUID("8a4a2b5e-5f0e-4c44-9d0a-6d3c1f6f0b7e")


class FakeHost(fake.FakeDriver):  # type: ignore[misc]
    """A compute host without a hypervisor."""

    vcpus, memory_mb, local_gb = contract.FAKE_HOST_SIZE

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        resources: dict[str, Any] = super().get_available_resource(nodename)
        resources["uuid"] = self._uuid(nodename)
        return resources

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        return {self._uuid(name): name for name in self.get_available_nodes()}

    def volume_snapshot_create(
        self, context: Any, instance: Any, volume_id: str, create_info: dict[str, Any]
    ) -> None:
        """Report failure at once: there is no guest to snapshot, and Cinder would wait ten minutes for an answer."""
        cinder.API().update_snapshot_status(context, create_info["snapshot_id"], "error")

    @staticmethod
    def _uuid(nodename: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, nodename))
