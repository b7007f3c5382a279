"""`openstack scaling group`: the groups of a project, by the records that OneStack's clouds have of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from osc_lib.command import command
from osc_lib.exceptions import CommandError

from onestack.autoscaling import reading, record
from onestack.autoscaling.reading import Record
from onestack.workloads.openstack.rest import Rest
from onestack.workloads.resources.scaling_group import patch

COLUMNS = ("Name", "Min", "Max", "Wanted", "Members", "State")


class _Groups:
    """The groups that an account sees."""

    def __init__(self, app: Any) -> None:
        self._connection = app.client_manager.onestack
        self.image = Rest(self._connection, "image")

    def all(self, *, every_project: bool = False) -> list[Record]:
        listed = self.image.all("/images", "images", os_hidden="true", **{record.KIND: record.SCALING_GROUP})
        mine = self._connection.current_project_id
        found = [
            reading.read(raw)
            for raw in listed
            if raw.get(record.KIND) == record.SCALING_GROUP and (every_project or raw["owner"] == mine)
        ]
        return sorted(found, key=lambda each: (each.project, each.name))

    def one(self, name: str) -> Record:
        groups = self.all()
        found = next((each for each in groups if name in (each.name, each.id)), None)
        if found is None:
            known = ", ".join(each.name for each in groups) or "none"
            raise CommandError(f"there is no scaling group '{name}' in this project; there are: {known}")
        return found

    def members(self, group: Record) -> list[dict[str, Any]]:
        compute = Rest(self._connection, "compute")
        servers = compute.all("/servers/detail", "servers", tags=record.TAG)
        return [one for one in servers if one["metadata"].get(record.GROUP) == group.id]


def _state(group: Record) -> str:
    return group.phase or ("suspended" if group.suspended else "active")


def _counted(members: list[dict[str, Any]]) -> str:
    counts = Counter(one["status"] for one in members)
    return ", ".join(f"{number} {status}" for status, number in sorted(counts.items())) or "0"


def _shown(group: Record, members: list[dict[str, Any]]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    rows = {
        "id": group.id,
        "name": group.name,
        "project_id": group.project,
        "min": group.settings.min,
        "max": group.settings.max,
        "wanted": group.desired,
        "state": _state(group),
        "members": _counted(members),
        "policies": ", ".join(one.type for one in group.settings.policies),
    }
    return tuple(rows), tuple(rows.values())


class ListScalingGroups(command.Lister):
    """List the project's scaling groups."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument("--all-projects", action="store_true", help="Of all projects (admin only)")
        return parser

    def take_action(self, parsed_args: Any) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        groups = _Groups(self.app)
        rows = [
            (
                one.name,
                one.settings.min,
                one.settings.max,
                one.desired,
                _counted(groups.members(one)),
                _state(one),
            )
            for one in groups.all(every_project=parsed_args.all_projects)
        ]
        return COLUMNS, rows


class _OfGroup(command.ShowOne):
    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument("group", metavar="<group>", help="Scaling group (name or ID)")
        return parser


class ShowScalingGroup(_OfGroup):
    """Show a scaling group."""

    def take_action(self, parsed_args: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        groups = _Groups(self.app)
        found = groups.one(parsed_args.group)
        return _shown(found, groups.members(found))


class SetScalingGroup(_OfGroup):
    """Set a scaling group's size, or suspend it: decisions are made, but not executed."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--size", type=int, metavar="<n>", help="Number of members, until the policies decide"
        )
        state = parser.add_mutually_exclusive_group()
        state.add_argument("--suspend", action="store_true", help="Execute no decisions")
        state.add_argument("--resume", action="store_true", help="Execute decisions again")
        return parser

    def take_action(self, parsed_args: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        groups = _Groups(self.app)
        found = groups.one(parsed_args.group)
        changed: dict[str, str] = {}
        if (size := parsed_args.size) is not None:
            low, high = found.settings.min, found.settings.max
            if not low <= size <= high:
                raise CommandError(f"{found.name} has {low} to {high} members, not {size}")
            changed |= {record.DESIRED: str(size), record.ASKED: record.ASKED_SIZE}
        if parsed_args.suspend or parsed_args.resume:
            changed[record.SUSPENDED] = "yes" if parsed_args.suspend else "no"
        if not changed:
            raise CommandError("nothing to set: --size, --suspend or --resume")
        patch(groups.image, found.id, changed)
        found = groups.one(found.id)
        return _shown(found, groups.members(found))


class ExplainScalingGroup(_OfGroup):
    """Say why a scaling group has its size, by its record and its members."""

    def take_action(self, parsed_args: Any) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        groups = _Groups(self.app)
        found = groups.one(parsed_args.group)
        members = groups.members(found)
        names, values = _shown(found, members)
        return (*names, "why"), (*values, "\n".join(_reasons(found, members)))


def _reasons(group: Record, members: list[dict[str, Any]]) -> Iterator[str]:
    low, high = group.settings.min, group.settings.max
    if group.phase == record.LEAVING:
        yield "it is being deleted"
    elif group.phase:
        yield "its last template failed, and the previous one is used"
    if group.suspended:
        yield "it is suspended: decisions are not executed"
    if group.asked == record.ASKED_SIZE:
        yield f"a size of {group.desired} was set by hand; the policies decide again after a while"
    if group.desired == high:
        yield f"it has reached its maximum of {high}"
    elif group.desired == low:
        yield f"it is at its minimum of {low}"
    if not group.settings.policies:
        yield "it has no policies: its size changes by hand only"
    if len(members) != group.desired:
        yield f"{len(members)} of {group.desired} members are there"
    for one in members:
        if one["status"] == "ERROR":
            fault = one.get("fault", {}).get("message", "no reason given")
            yield f"the member {one['name']} failed: {fault}"
