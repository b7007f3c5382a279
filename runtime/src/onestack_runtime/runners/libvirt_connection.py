"""Nova's connection to libvirtd: opened again as soon as libvirtd is back.

Nova disables a host whose libvirtd has ended, and enables it when it next uses libvirt, up to a minute later. Until
then no server can be scheduled to the host.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

LOG = logging.getLogger(__name__)

SECONDS = 2.0
"""The polling interval; a poll is one call to libvirtd while it answers."""


def keep(host: Any, ended: Callable[[float], bool]) -> None:
    """Poll libvirtd until `ended`, which waits so many seconds, returns True. `host`: the Host of Nova's libvirt
    driver."""
    lost = False
    while not ended(SECONDS):
        try:
            host.get_connection()
        except Exception as error:
            if not lost:
                LOG.warning("libvirtd is away: %s", error)
            lost = True
        else:
            if lost:
                LOG.info("libvirtd is back")
            lost = False
