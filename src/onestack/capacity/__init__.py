"""Capacity planning: whether the servers fit on the hosts, also after the loss of some, and availability. Pure."""

from onestack.capacity.from_spec import check, demands, fake_hosts, host, supposed, zones
from onestack.capacity.model import RESOURCES, Demand, Host, Inventory
from onestack.capacity.report import Report, Wishes, analyse
from onestack.capacity.reserve import Reserve

__all__ = [
    "RESOURCES",
    "Demand",
    "Host",
    "Inventory",
    "Report",
    "Reserve",
    "Wishes",
    "analyse",
    "check",
    "demands",
    "fake_hosts",
    "host",
    "supposed",
    "zones",
]
