"""Roles of users in tenants."""

from __future__ import annotations

from onestack.workloads.kind.assignment import Assignments


class UserRoles(Assignments):
    name, actor = "role of user", "user"
    administrative = True
    ends = ("tenant", "user", "role")
