"""Binds the ports of fake hosts, which have no OVN chassis.

It precedes OVN's driver in `[ml2] mechanism_drivers`, binds only ports of hosts named fake-N, and sets them ACTIVE
at once.
"""

from __future__ import annotations

from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api

from onestack_runtime import contract


def is_used() -> bool:
    """Whether this driver is configured, which means that the cloud has fake hosts."""
    from oslo_config import cfg

    return contract.FAKE_MECHANISM_DRIVER in cfg.CONF.ml2.mechanism_drivers


def is_fake(host: str) -> bool:
    """Whether a host of this name is a fake host."""
    return host.startswith(contract.FAKE_HOST_PREFIX) and is_used()


class FakeHostsMechanismDriver(api.MechanismDriver):  # type: ignore[misc]
    """A mechanism driver that only binds ports."""

    def initialize(self) -> None:
        """Nothing to prepare."""

    @property
    def connectivity(self) -> str:
        return str(portbindings.CONNECTIVITY_L2)

    def bind_port(self, context: Any) -> None:
        if not context.host.startswith(contract.FAKE_HOST_PREFIX):
            return
        for segment in context.segments_to_bind:
            details = {
                portbindings.CAP_PORT_FILTER: True,
                portbindings.VIF_DETAILS_CONNECTIVITY: self.connectivity,
                portbindings.VIF_DETAILS_BRIDGE_NAME: contract.INTEGRATION_BRIDGE,
            }
            context.set_binding(
                segment[api.ID], portbindings.VIF_TYPE_OVS, details, constants.PORT_STATUS_ACTIVE
            )
            return
