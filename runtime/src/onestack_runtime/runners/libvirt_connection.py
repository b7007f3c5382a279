"""Nova's connection to libvirtd: opened again as soon as libvirtd is back.

Nova takes a host whose libvirtd ended out of service, and puts it back when it next happens to need libvirt: up to a
minute later. Until then no server finds a host.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

LOG = logging.getLogger(__name__)

SECONDS = 2.0
"""The polling interval; a poll is one call to libvirtd while it answers."""


def keep(host: Any, ended: Callable[[float], bool]) -> None:
    """Returns when `ended`, which waits so many seconds, says so. `host`: Nova's, of the libvirt driver."""
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
