"""Renders a balancer's configuration from Octavia's data models with Octavia's own template."""

from __future__ import annotations

import os
from typing import Any

from octavia.common import data_models
from octavia.common.jinja.haproxy.combined_listeners import jinja_cfg

from onestack_runtime.drivers.balancer import config
from onestack_runtime.drivers.balancer.places import BALANCERS, Place

MAX_THREADS = 4


def render(lb: Any, certificates: dict[str, Any], tls: str) -> str | None:
    """The configuration of a balancer (after `graph.prune`); None if it has nothing to serve. `certificates`: input
    of Octavia's template (see `tls`); `tls`: digest of the certificate files."""
    if not lb.enabled or not any(each.enabled for each in lb.listeners):
        return None
    place = Place(lb.id)
    templater = jinja_cfg.JinjaTemplater(
        base_amp_path=str(BALANCERS), base_crt_dir=str(BALANCERS), connection_logging=False
    )
    amphora = data_models.Amphora(id=lb.id, lb_network_ip=lb.vip.ip_address, vrrp_ip=lb.vip.ip_address)
    text = templater.build_config(amphora, lb.listeners, certificates, ["3", "0"], {})
    monitors = {pool.id: pool.health_monitor for pool in lb.pools if pool.health_monitor}
    extra = config.Extra(
        threads=min(MAX_THREADS, os.cpu_count() or 1),
        hello={pool for pool, monitor in monitors.items() if monitor.type == "TLS-HELLO"},
        prometheus={each.id for each in lb.listeners if each.protocol == "PROMETHEUS"},
        tls=tls,
    )
    return config.finish(text, place, extra)
