"""Plans, drift and outcomes as text: Terraform's symbols, and the spec's lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from onestack.workloads.plan import Change, Plan
from onestack.workloads.plan.document import plain

if TYPE_CHECKING:
    from onestack.workloads.apply import Outcome

_SIGNS = {
    "create": ("+", "green", "will be created"),
    "update": ("~", "yellow", "will be changed"),
    "replace": ("-/+", "magenta", "will be replaced"),
    "delete": ("-", "red", "will be destroyed"),
}
_DRIFTS = {
    "create": ("-", "red", "is gone"),
    "update": ("~", "yellow", "was changed"),
    "replace": ("~", "magenta", "was changed"),
    "delete": ("+", "green", "was added"),
}
_LONGEST = 60


def plan_lines(plan: Plan) -> list[str]:
    """The plan: each change with its fields, then the totals."""
    lines = [line for change in plan.changes for line in _change(change, _SIGNS)]
    lines += [
        f"[dim]· {escape(str(one.address))} is no longer in the spec; --prune destroys it[/]"
        for one in plan.left
    ]
    lines += [f"[yellow]· {escape(each)}[/]" for each in plan.notes]
    if plan.empty:
        return [*lines, f"[green]No changes.[/] The cloud is as the spec wants it: {plan.wanted} resources."]
    add, change, destroy = plan.counts()
    return [*lines, "", f"[bold]Plan:[/] {add} to add, {change} to change, {destroy} to destroy."]


def drift_lines(plan: Plan) -> list[str]:
    """The plan as drift: what changed in the cloud, and what apply would do about it."""
    if plan.empty:
        return [f"[green]No drift.[/] {plan.wanted} resources are as the spec wants them."]
    lines = [line for change in plan.changes for line in _change(change, _DRIFTS)]
    many = len(plan.changes)
    return [
        *lines,
        "",
        f"[bold]Drift:[/] {many} resource{'s' if many > 1 else ''}; `apply` would repair that.",
    ]


def _change(change: Change, signs: dict[str, tuple[str, str, str]]) -> Iterator[str]:
    sign, colour, words = signs[change.action]
    place = f"  [dim]{change.place.file}:{change.place.line}[/]" if change.place and change.place.line else ""
    why = f" ({escape(change.why)})" if change.why else ""
    yield f"[{colour}]{sign:>3}[/] [bold]{escape(str(change.address))}[/] {words}{why}{place}"
    if change.action in ("update", "replace"):
        for name, (before, after) in sorted(change.fields.items()):
            yield f"        {escape(name)}: {_word(before)} [dim]→[/] {_word(after)}"


def _word(value: Any) -> str:
    text = "nothing" if value is None else str(plain(value))
    text = " ".join(text.split())
    return escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def outcome_lines(outcome: Outcome) -> list[str]:
    """The result; each cause of failure once, with the spec's line and OpenStack's message."""
    lines = []
    for failure in outcome.failures:
        place = f"{failure.place}: " if failure.place and failure.place.line else ""
        lines.append(f"[red]✗[/] {escape(place)}{failure.action} [bold]{escape(str(failure.address))}[/]")
        lines.append(
            f"    {escape(failure.error.summary)}  [dim]({escape(str(failure.error.where or ''))})[/]"
        )
        if failure.error.hint:
            lines.append(f"    [dim]next:[/] {escape(failure.error.hint)}")
    if outcome.undone:
        lines.append(f"[yellow]{len(outcome.undone)} more were not tried: they need what failed[/]")
    did = f"{outcome.added} added, {outcome.changed} changed, {outcome.destroyed} destroyed"
    lines.append(
        f"[bold]{'Applied' if outcome.ok else 'Applied in part'}:[/] {did} in {outcome.seconds:.0f} s."
    )
    return lines
