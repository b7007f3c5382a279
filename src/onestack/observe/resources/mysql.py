"""MariaDB's own figures, under the names of mysqld_exporter: those that say how it is used, and how its cluster is.

They are read with the resources, from the member that this host's services use.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, UntypedMetricFamily
from prometheus_client.metrics_core import Metric as Family

STATUS = (
    *("aborted_connects", "bytes_received", "bytes_sent", "connections", "max_used_connections", "queries"),
    *("questions", "slow_queries", "threads_connected", "threads_running", "uptime"),
    *("innodb_buffer_pool_bytes_data", "innodb_buffer_pool_read_requests", "innodb_buffer_pool_reads"),
    *("innodb_deadlocks", "innodb_row_lock_time", "innodb_row_lock_waits", "open_tables"),
    *("wsrep_cluster_size", "wsrep_connected", "wsrep_flow_control_paused", "wsrep_local_cert_failures"),
    *("wsrep_local_recv_queue", "wsrep_local_state", "wsrep_ready"),
)
COMMANDS = ("commit", "delete", "insert", "rollback", "select", "update")
VARIABLES = ("innodb_buffer_pool_size", "max_connections")
_STATUS, _COMMAND, _VARIABLE = "status", "command", "variable"
_NUMBERS = {"ON": 1.0, "YES": 1.0, "OFF": 0.0, "NO": 0.0}


def query() -> str:
    """SQL whose rows are a kind and a JSON array: name and value."""
    kinds = (
        (_STATUS, "GLOBAL_STATUS", [*STATUS]),
        (_COMMAND, "GLOBAL_STATUS", [f"com_{each}" for each in COMMANDS]),
        (_VARIABLE, "GLOBAL_VARIABLES", [*VARIABLES]),
    )
    return "".join(
        f"SELECT '{kind}', JSON_ARRAY(LOWER(VARIABLE_NAME), VARIABLE_VALUE) FROM information_schema.{table}"
        f" WHERE VARIABLE_NAME IN ({', '.join(repr(each) for each in names)});\n"
        for kind, table, names in kinds
    )


def families(rows: Iterable[tuple[str, list[str]]]) -> list[Family]:
    """The metrics. What has no number, such as those of a cluster where there is none, is left out."""
    found: list[Family] = [up(True)]
    commands = UntypedMetricFamily(
        "mysql_global_status_commands_total", "Statements, by command.", labels=["command"]
    )
    for kind, (name, text) in rows:
        try:
            value = _NUMBERS.get(text.upper())
            value = float(text) if value is None else value
        except ValueError:
            continue
        if kind == _COMMAND:
            commands.add_metric([name.removeprefix("com_")], value)
            continue
        place = "status" if kind == _STATUS else "variables"
        found.append(
            UntypedMetricFamily(f"mysql_global_{place}_{name}", f"MariaDB's {kind} {name}.", value=value)
        )
    return [*found, commands]


def up(value: bool) -> Family:
    """Whether MariaDB answers."""
    family = GaugeMetricFamily("mysql_up", "Whether MariaDB answers.")
    family.add_metric([], float(value))
    return family
