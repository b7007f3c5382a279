"""OVN's northbound database, as the steps of the bring-up read and change it."""

from __future__ import annotations

import csv
import io

from onestack.platform.places import NORTH_SOCKET

# The member of the database here need not be the leader of its cluster: it passes writes on.
CTL = ("ovn-nbctl", "--no-leader-only", f"--db=unix:{NORTH_SOCKET}", "--timeout=10")


def floating_ips(*columns: str) -> tuple[str, ...]:
    """The command that lists columns of the NAT rows of floating IPs, for `rows`."""
    return (*CTL, *_columns(columns), "find", "NAT", "type=dnat_and_snat")


def listed(table: str, *columns: str) -> tuple[str, ...]:
    """The command that lists columns of all rows of a table, for `rows`."""
    return (*CTL, *_columns(columns), "list", table)


def _columns(names: tuple[str, ...]) -> tuple[str, ...]:
    return ("--format=csv", "--data=bare", "--no-headings", f"--columns={','.join(names)}")


def rows(text: str) -> list[list[str]]:
    """The rows of a list, each with its columns."""
    return [row for row in csv.reader(io.StringIO(text)) if row]
