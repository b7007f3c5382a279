"""Loaded as `nova.virt.onestack_fake`: Nova's fake driver for one of several hosts in a process.

Upstream's fake drivers either have a new identity at each start (and cannot be restarted) or share the one
identity of the process; here each host's identity follows from its name.
"""

from __future__ import annotations

import uuid
from typing import Any

from nova.virt import fake
from nova.volume import cinder

from onestack_runtime import contract

_NAMESPACE = uuid.UUID("8a4a2b5e-5f0e-4c44-9d0a-6d3c1f6f0b7e")


class FakeHost(fake.FakeDriver):  # type: ignore[misc]
    """Nothing is behind it."""

    vcpus, memory_mb, local_gb = contract.FAKE_HOST_SIZE

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        resources: dict[str, Any] = super().get_available_resource(nodename)
        resources["uuid"] = self._identity(nodename)
        return resources

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        return {self._identity(name): name for name in self.get_available_nodes()}

    def volume_snapshot_create(
        self, context: Any, instance: Any, volume_id: str, create_info: dict[str, Any]
    ) -> None:
        """There is no guest that could go on in another file: said at once, else Cinder waits ten minutes."""
        cinder.API().update_snapshot_status(context, create_info["snapshot_id"], "error")

    @staticmethod
    def _identity(nodename: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, nodename))
