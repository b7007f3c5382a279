"""The commands about scaling groups that run: scale GROUP, list, history, why."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from onestack.cli.autoscaling import complete_group, scale
from onestack.cli.common import command, here

if TYPE_CHECKING:
    from onestack.autoscaling.groups import Group


@command(scale, "list")
def list_groups() -> None:
    """Every scaling group, with its limits, its size now and its members."""
    found = here().cloud.scaling_groups.groups()
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("group", "min", "max", "wanted", "members", ""):
        table.add_column(title)
    for group in found:
        one = group.record
        remark = "suspended" if one.suspended else one.phase
        limits = (str(one.settings.min), str(one.settings.max), str(one.desired))
        table.add_row(escape(group.title), *limits, _members(group.status), remark)
    nothing: list[RenderableType] = ["no scaling groups; see docs/autoscaling.md"]
    wrong = [f"[red]{escape(each)}[/]" for each in here().cloud.scaling_groups.status().get("problems", ())]
    here().report([each.as_dict() for each in found], [*([table] if found else nothing), *wrong])


@command(scale, "group")
@click.argument("group", shell_complete=complete_group)
@click.option("--to", "size", type=click.IntRange(0), metavar="N", help="Set the number of members now.")
@click.option("--policy", metavar="P", help="Apply this policy's recommendation once.")
@click.option("--suspend", is_flag=True, help="Report decisions, but do not act on them.")
@click.option("--resume", is_flag=True, help="Act again.")
def change(group: str, size: int | None, policy: str | None, suspend: bool, resume: bool) -> None:
    """Change a group by hand, or show it if no option is given. `scale NAME …` is short for this."""
    given = [size is not None, policy is not None, suspend, resume]
    if sum(given) > 1:
        raise click.UsageError("one of --to, --policy, --suspend, --resume at a time")
    scaling = here().cloud.scaling_groups
    if size is not None:
        found = scaling.resize(group, size)
    elif policy is not None:
        found = scaling.follow(group, policy)
    elif suspend or resume:
        found = scaling.suspend(group, suspend)
    else:
        found = scaling.group(group)
    here().report(found.as_dict(), shown(found))


@command(scale, "why")
@click.argument("group", shell_complete=complete_group)
def why(group: str) -> None:
    """Why a group has its current size: the last decision, and what limits it."""
    found = here().cloud.scaling_groups.group(group)
    here().report(found.as_dict(), shown(found))


@command(scale, "history")
@click.argument("group", shell_complete=complete_group)
@click.option("--last", default=50, show_default=True, metavar="N", help="How many entries.")
def history(group: str, last: int) -> None:
    """What was decided and done for a group, and why, oldest first."""
    found = list(here().cloud.scaling_groups.history(group, last))
    here().report(found, [_line(each) for each in found] or ["nothing yet"])


def shown(group: Group) -> list[RenderableType]:
    """A group as text."""
    one = group.record
    state = " [yellow]suspended[/]" if one.suspended else ""
    lines = [
        f"[bold]{escape(group.title)}[/]  {one.desired} wanted, of {one.settings.min} to {one.settings.max}{state}",
        f"  members   {_members(group.status)}",
        f"  decision  {escape(group.status.get('decision') or 'none yet')}",
    ]
    if one.phase:
        lines.append(f"  [yellow]{escape(one.phase)}[/]: see `onestack scale history {escape(group.title)}`")
    lines += [f"  [red]{escape(each)}[/]" for each in group.status.get("problems", ())]
    return list(lines)


def _members(status: dict[str, Any]) -> str:
    return (
        ", ".join(f"{number} {phase}" for phase, number in status.get("members", {}).items())
        or "not collected yet"
    )


def _line(entry: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(entry["time"]).strftime("%m-%d %H:%M:%S")
    if entry["kind"] == "decision":
        colour = {"out": "green", "in": "cyan"}.get(entry["action"], "dim")
        return f"{at}  [{colour}]{escape(_decision(entry))}[/]"
    if entry["kind"] == "action":
        failed = f" [red]failed: {escape(entry['failed'])}[/]" if entry.get("failed") else ""
        reason = f" ({escape(entry['why'])})" if entry.get("why") else ""
        return f"{at}  {entry['verb']} {escape(entry['member'])}{reason}{failed}"
    return f"{at}  [yellow]{entry['kind']}: {escape(str(entry.get('why', '')))}[/]"


def _decision(entry: dict[str, Any]) -> str:
    size = entry["size"]
    head = f"{size} -> {entry['to']}" if entry["action"] != "hold" else f"stays at {size}"
    reasons = [
        f"{each['policy']}"
        + (f" at {each['value']:.4g}" if each["value"] is not None else "")
        + f": {each['meaning']} {each['size']}"
        + (f" ({each['why']})" if each["why"] else "")
        for each in entry["recommendations"]
    ]
    rest = [] if entry["done"] else ["suspended: nothing was done"]
    return "; ".join([head, *reasons, *entry["limits"], *rest])
