"""The catalogue of services: one module each, by OpenStack's own service types."""

from __future__ import annotations

from collections.abc import Mapping

from onestack.platform.services import (
    block_storage,
    compute,
    dashboard,
    identity,
    image,
    load_balancer,
    network,
    placement,
)
from onestack.platform.shape import Service

CATALOGUE: Mapping[str, Service] = {
    module.SERVICE.type: module.SERVICE
    for module in (identity, image, placement, network, compute, block_storage, load_balancer, dashboard)
}
"""Each after what it requires."""
