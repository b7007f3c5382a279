"""A Grafana dashboard of a cloud's metrics: `python -m onestack.observe.grafana > docs/grafana/onestack.json`."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

WIDTH, HEIGHT = 8, 7
"""Of a panel, in Grafana's grid, which is 24 wide."""
GRID = 24
UID = "onestack"


@dataclass(frozen=True)
class Panel:
    """A panel. `expression`: PromQL. `legend`: of a series, with labels in double braces. `unit`: Grafana's name."""

    title: str
    expression: str
    legend: str = ""
    unit: str = "short"
    kind: str = "timeseries"


def _given(resource: str) -> str:
    """The part of a resource that servers have, of what may be given."""
    which = f'{{resourcetype="{resource}"}}'
    return (
        f"sum(openstack_placement_resource_usage{which}) / sum((openstack_placement_resource_total{which}"
        f" - openstack_placement_resource_reserved{which}) * openstack_placement_resource_allocation_ratio{which})"
    )


_LOAD = "node_load1 / on (instance) count by (instance) (count by (instance, cpu) (node_cpu_seconds_total))"
PANELS = (
    Panel("Alerts", 'count(ALERTS{alertstate="firing"}) or vector(0)', kind="stat"),
    Panel("Processes that do not answer", "count(onestack_process_up == 0) or vector(0)", kind="stat"),
    Panel("Servers", "openstack_nova_total_vms", kind="stat"),
    Panel("Virtual CPUs given", _given("VCPU"), "VCPU", "percentunit"),
    Panel("Memory given", _given("MEMORY_MB"), "memory", "percentunit"),
    Panel("Disk given", _given("DISK_GB"), "disk", "percentunit"),
    Panel("Servers by status", "count by (status) (openstack_nova_server_status)", "{{status}}"),
    Panel("Volumes by status", "openstack_cinder_volume_status_counter > 0 or vector(0)", "{{status}}"),
    Panel(
        "Addresses in use",
        "openstack_neutron_network_ip_availabilities_used / openstack_neutron_network_ip_availabilities_total",
        "{{network_name}} {{cidr}}",
        "percentunit",
    ),
    Panel("Servers' CPU, the busiest", "topk(10, onestack_guest_cpu_percent)", "{{server}}", "percent"),
    Panel(
        "Servers' network, the busiest",
        "topk(10, onestack_guest_network_bytes_per_second)",
        "{{server}}",
        "Bps",
    ),
    Panel(
        "Servers' disk, the busiest", "topk(10, onestack_guest_disk_bytes_per_second)", "{{server}}", "Bps"
    ),
    Panel(
        "Balancers' requests",
        "sum by (balancer) (onestack_pool_requests_per_second)",
        "{{balancer}}",
        "reqps",
    ),
    Panel(
        "Balancers' response time",
        "max by (balancer) (onestack_pool_response_milliseconds)",
        "{{balancer}}",
        "ms",
    ),
    Panel(
        "Balancers' errors", "sum by (balancer) (onestack_pool_errors_per_second)", "{{balancer}}", "reqps"
    ),
    Panel("Hosts' load for each processor", _LOAD, "{{host}}", "percentunit"),
    Panel(
        "Hosts' memory in use",
        "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        "{{host}}",
        "percentunit",
    ),
    Panel(
        "Hosts' disks in use",
        "1 - node_filesystem_avail_bytes / node_filesystem_size_bytes",
        "{{host}} {{mountpoint}}",
        "percentunit",
    ),
    Panel(
        "APIs' response time",
        "haproxy_backend_response_time_average_seconds > 0 or vector(0)",
        "{{proxy}}",
        "s",
    ),
    Panel(
        "APIs' responses by status",
        "sum by (proxy, code) (rate(haproxy_backend_http_responses_total[1m])) > 0 or vector(0)",
        "{{proxy}} {{code}}",
        "reqps",
    ),
    Panel("MariaDB's connections", "mysql_global_status_threads_connected", "connected"),
    Panel(
        "Quotas in use, the fullest",
        'topk(10, sum by (tenant) (openstack_nova_quota_cores{type="in_use"})'
        ' / sum by (tenant) (openstack_nova_quota_cores{type="limit"} > 0))',
        "{{tenant}}",
        "percentunit",
    ),
    Panel(
        "Restarts of processes in an hour",
        "sum by (process) (increase(onestack_process_restarts_total[1h]))",
        "{{process}}",
    ),
)


def dashboard() -> dict[str, object]:
    """The dashboard in Grafana's JSON; it asks for the Prometheus to use."""
    return {
        "uid": UID,
        "title": "OneStack",
        "schemaVersion": 39,
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus"}]},
        "panels": [_panel(number, each) for number, each in enumerate(PANELS)],
    }


def _panel(number: int, panel: Panel) -> dict[str, object]:
    row, column = divmod(number, GRID // WIDTH)
    return {
        "id": number + 1,
        "title": panel.title,
        "type": panel.kind,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "expr": panel.expression, "legendFormat": panel.legend or "__auto"}],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dashboard(), indent=1) + "\n")
