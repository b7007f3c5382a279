"""Loaded as `nova.virt.onestack_libvirt`: Nova's libvirt driver on a host that does not store the cloud's volumes.

Nova asks it for a device name while the caller waits. Here a volume that this host cannot use is refused, so that the
API's answer says why; Cinder's refusal comes later, and its reason stands only in the server's event list.
"""

from __future__ import annotations

from typing import Any

from nova import exception
from nova.conf import CONF
from nova.virt.libvirt import driver
from nova.volume import cinder

from onestack_runtime.drivers.volumes import place


class LibvirtDriver(driver.LibvirtDriver):  # type: ignore[misc]
    """The same, but for `get_device_name_for_instance`."""

    def get_device_name_for_instance(self, instance: Any, bdms: Any, block_device_obj: Any) -> str:
        """The device name that a volume gets. Raises InvalidVolume if its server must be on another host."""
        hosts, ident = place.hosts(), block_device_obj.volume_id
        stored = next(iter(hosts.values()), "")
        if {*hosts.values()} != {stored}:
            # The type has its backend's name, unless somebody made others; Cinder refuses what is not seen here.
            volume = cinder.API().get(block_device_obj._context, ident)
            stored = hosts.get(volume["volume_type_id"], "")
        if stored not in ("", CONF.host):
            raise exception.InvalidVolume(reason=place.elsewhere(stored, CONF.host))
        name: str = super().get_device_name_for_instance(instance, bdms, block_device_obj)
        return name
