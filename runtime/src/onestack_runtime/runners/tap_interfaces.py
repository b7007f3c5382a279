"""Sets guests' tap interfaces up if they are down.

os-vif adds a guest's tap interface to OVS before libvirt creates it. As soon as it exists, OVS opens it: it reads the
interface's flags, and writes them back with one of its own. If libvirt sets the interface up in between, this sets it
down again, and it stays down: the guest runs, its port is ACTIVE, and it receives nothing. In a test that only
created servers this happened to 6 of 550.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from onestack_runtime.serving.commands import Failed, run

LOG = logging.getLogger(__name__)

SECONDS = 1.0
"""The polling interval. A guest whose DHCP request is lost meanwhile repeats it."""
INTERFACES = Path("/sys/class/net")
_TAP = re.compile(r"tap[0-9a-f]{8}-[0-9a-f]{2}")
"""Nova's name for one: `tap` and the beginning of the port's id. The machine may have other tap interfaces."""
_UP = 1
"""IFF_UP of the kernel's flags."""


def down(interfaces: Path = INTERFACES) -> Iterator[str]:
    """The names of guests' tap interfaces that are down. The metadata agent's, which no program has open, are not
    included."""
    for place in interfaces.iterdir():
        if not _TAP.fullmatch(place.name):
            continue
        try:
            flags = int((place / "flags").read_text(), 16)
        except OSError:
            continue  # gone meanwhile
        if not flags & _UP and (place / "tun_flags").exists():
            yield place.name


def keep_up(ended: Callable[[float], bool], interfaces: Path = INTERFACES) -> None:
    """Set guests' tap interfaces up at intervals, until `ended`, which waits so many seconds, returns True."""
    while not ended(SECONDS):
        for name in down(interfaces):
            try:
                run(["ip", "link", "set", name, "up"])
            except (Failed, OSError) as error:
                LOG.info("%s is not up: %s", name, error)
            else:
                LOG.warning("the tap interface %s of a guest was down; it is up now", name)
