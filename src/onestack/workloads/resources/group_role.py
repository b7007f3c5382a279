"""Roles of groups in tenants."""

from __future__ import annotations

from onestack.workloads.kind.assignment import Assignments


class GroupRoles(Assignments):
    name, actor = "role of group", "group"
    administrative = True
    ends = ("tenant", "group", "role")
