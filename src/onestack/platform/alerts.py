"""The alerts of a cloud's Prometheus: what is about to break, or is broken, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning"]
RUNBOOK = "docs/operate.md#alerts"
"""Where they are explained."""


@dataclass(frozen=True)
class Alert:
    """An alert. `expression`: a PromQL query; each of its series is one. `seconds`: for how long it must have held.

    `summary`: what is wrong, with Prometheus' templates of the series' labels. `action`: what to do.
    """

    name: str
    severity: Severity
    expression: str
    seconds: float
    summary: str
    action: str


ALERTS = (
    Alert(
        "OneStackProcessDown",
        "critical",
        "onestack_process_up == 0",
        60,
        "the process {{ $labels.process }}{{ with $labels.host }} of {{ . }}{{ end }} does not answer",
        "`onestack status`, then `onestack logs PROCESS`; `onestack up` starts it again",
    ),
    Alert(
        "OneStackProcessRestarts",
        "warning",
        "increase(onestack_process_restarts_total[15m]) > 3",
        0,
        "the process {{ $labels.process }}{{ with $labels.host }} of {{ . }}{{ end }} was restarted"
        ' {{ $value | printf "%.0f" }} times in 15 minutes',
        "`onestack logs PROCESS` says why it ended",
    ),
    Alert(
        "OneStackHostDown",
        "critical",
        'up{job="onestack-hosts"} == 0',
        60,
        "the host {{ $labels.host }} does not answer",
        "`onestack host list`; when it is back, `onestack up`",
    ),
    Alert(
        "OneStackHealingRestrained",
        "critical",
        "onestack_healing_restrained > 0",
        0,
        "so many hosts do not renew their leases that no guest is evacuated",
        "look at the network between the hosts; `onestack healing status` says which they are",
    ),
    Alert(
        "OneStackHostNotFenced",
        "critical",
        "onestack_healing_host_silent > 0",
        60,
        "{{ $labels.host }} does not renew its lease, and was not proved off: its guests are not evacuated",
        "`onestack healing history` says why; switched off by you: `onestack host fence HOST --off`",
    ),
    Alert(
        "OneStackHostFenced",
        "warning",
        "onestack_healing_host_fenced > 0",
        300,
        "{{ $labels.host }} is fenced: it runs no guests until it returns",
        "repair it and start it; fenced by you: `onestack host unfence HOST`",
    ),
    Alert(
        "OneStackHealerSilent",
        "critical",
        "time() - onestack_healing_timestamp_seconds > 60",
        0,
        "the healer reads no leases: no lost host would be noticed",
        "`onestack logs healer` and `onestack logs etcd`",
    ),
    Alert(
        "OneStackNovaAgentDown",
        "critical",
        'openstack_nova_agent_state{adminState="enabled"} == 0',
        120,
        "{{ $labels.service }} of {{ $labels.hostname }} does not report",
        "`onestack status`, then `onestack logs nova`",
    ),
    Alert(
        "OneStackCinderAgentDown",
        "critical",
        'openstack_cinder_agent_state{adminState="enabled"} == 0',
        120,
        "{{ $labels.service }} of {{ $labels.hostname }} does not report",
        "`onestack status`, then `onestack logs cinder`",
    ),
    Alert(
        "OneStackServerInError",
        "warning",
        'openstack_nova_server_status{status="ERROR"} > 0',
        300,
        "the server {{ $labels.name }} ({{ $labels.id }}) is in ERROR",
        "`onestack why server ID`",
    ),
    Alert(
        "OneStackVolumeInError",
        "warning",
        'openstack_cinder_volume_status{status=~"error.*"} > 0',
        300,
        "the volume {{ $labels.name }} ({{ $labels.id }}) is in {{ $labels.status }}",
        "`onestack why volume ID`",
    ),
    Alert(
        "OneStackBalancerInError",
        "critical",
        'openstack_loadbalancer_loadbalancer_status{operating_status="ERROR"} > 0',
        120,
        "no member of the load balancer {{ $labels.name }} ({{ $labels.id }}) serves",
        "`onestack why balancer ID`",
    ),
    Alert(
        "OneStackAddressesRunOut",
        "warning",
        "openstack_neutron_network_ip_availabilities_used"
        " > 0.9 * openstack_neutron_network_ip_availabilities_total > 0",
        300,
        "more than nine tenths of the addresses of {{ $labels.network_name }} ({{ $labels.cidr }}) are in use",
        "release floating IPs, or widen the subnet's allocation pool",
    ),
    Alert(
        "OneStackCapacityRunsOut",
        "warning",
        "sum by (resourcetype) (openstack_placement_resource_usage) > 0.9 * sum by (resourcetype)"
        " ((openstack_placement_resource_total - openstack_placement_resource_reserved)"
        " * openstack_placement_resource_allocation_ratio)",
        300,
        "more than nine tenths of all {{ $labels.resourcetype }} are given to servers",
        "`onestack capacity` says what fits; take on hosts, or delete servers",
    ),
    Alert(
        "OneStackCertificateExpires",
        "warning",
        "onestack_certificate_expiry_timestamp_seconds - time() < 20 * 86400",
        0,
        "the certificate {{ $labels.certificate }}{{ with $labels.host }} of {{ . }}{{ end }} expires in"
        " {{ $value | humanizeDuration }}",
        "`onestack certificates renew`; your own: replace its files and run `onestack up`",
    ),
    Alert(
        "OneStackBackupLate",
        "warning",
        "time() - onestack_backup_last_good_timestamp_seconds > 2 * onestack_backup_interval_seconds",
        300,
        "no good backup of the cloud for {{ $value | humanizeDuration }}",
        "`onestack status` says why the last one failed; `onestack backup create` makes one",
    ),
    Alert(
        "OneStackMetricsMissing",
        "warning",
        '{__name__=~"openstack_.+_up"} == 0 or absent(onestack_collect_timestamp_seconds)',
        180,
        "metrics of the cloud cannot be read",
        "`onestack logs autoscaler` says why",
    ),
)


def rules(factor: float = 1.0) -> Mapping[str, object]:
    """Prometheus' rules file. `factor`: by which the times that an expression must have held are multiplied."""
    found = [
        {
            "alert": each.name,
            "expr": each.expression,
            "for": f"{each.seconds * factor:.0f}s",
            "labels": {"severity": each.severity},
            "annotations": {"summary": each.summary, "action": each.action, "runbook": RUNBOOK},
        }
        for each in ALERTS
    ]
    return {"groups": [{"name": "onestack", "rules": found}]}


def reference() -> str:
    """The table in docs/operate.md."""
    lines = ["| Alert | Severity | When | What to do |", "| --- | --- | --- | --- |"]
    for each in ALERTS:
        held = f", for {each.seconds / 60:.0f} min" if each.seconds else ""
        expression = each.expression.replace("|", "\\|")
        lines.append(f"| `{each.name}` | {each.severity} | `{expression}`{held} | {each.action} |")
    return "\n".join(lines) + "\n"
