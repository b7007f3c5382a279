"""Plans, drift and outcomes as text: Terraform's symbols, and the spec's lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from onestack.workloads.plan import Change, Plan
from onestack.workloads.plan.document import plain
from onestack.workloads.plan.several import SeveralPlans

if TYPE_CHECKING:
    from onestack.core.errors import OneStackError
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
    lines += _away_lines(away(plan))
    if plan.empty and away(plan):
        return [*lines, f"[yellow]No changes[/] in the clouds that answered: {plan.wanted} resources."]
    if plan.empty:
        return [*lines, f"[green]No changes.[/] The cloud is as the spec wants it: {plan.wanted} resources."]
    add, change, destroy = plan.counts()
    return [*lines, "", f"[bold]Plan:[/] {add} to add, {change} to change, {destroy} to destroy."]


def drift_lines(plan: Plan) -> list[str]:
    """The plan as drift: what changed in the cloud, and what apply would do about it."""
    lines = _away_lines(away(plan))
    if plan.empty:
        return [*lines, f"[green]No drift.[/] {plan.wanted} resources are as the spec wants them."]
    lines += [line for change in plan.changes for line in _change(change, _DRIFTS)]
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
    where = f"{escape(change.cloud)}: " if change.cloud else ""
    yield f"[{colour}]{sign:>3}[/] {where}[bold]{escape(str(change.address))}[/] {words}{why}{place}"
    if change.action in ("update", "replace"):
        for name, (before, after) in sorted(change.fields.items()):
            yield f"        {escape(name)}: {_word(before)} [dim]→[/] {_word(after)}"


def _word(value: Any) -> str:
    text = "nothing" if value is None else str(plain(value))
    text = " ".join(text.split())
    return escape(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def away(plan: Plan) -> Mapping[str, OneStackError]:
    """Of a plan over several clouds: those that have no part in it, and why."""
    return plan.away if isinstance(plan, SeveralPlans) else {}


def _away_lines(errors: Mapping[str, OneStackError]) -> list[str]:
    return [
        f"[red]✗[/] [bold]{escape(name)}[/] is left out: {escape(error.summary)}"
        + (f"  [dim]({escape(str(error.where))})[/]" if error.where else "")
        for name, error in errors.items()
    ]


def outcome_lines(outcome: Outcome) -> list[str]:
    """The result; each cause of failure once, with the spec's line and OpenStack's message."""
    lines = []
    for failure in outcome.failures:
        place = f"{failure.place}: " if failure.place and failure.place.line else ""
        where = f"{escape(failure.cloud)}: " if failure.cloud else ""
        lines.append(
            f"[red]✗[/] {where}{escape(place)}{failure.action} [bold]{escape(str(failure.address))}[/]"
        )
        lines.append(
            f"    {escape(failure.error.summary)}  [dim]({escape(str(failure.error.where or ''))})[/]"
        )
        if failure.error.hint:
            lines.append(f"    [dim]next:[/] {escape(failure.error.hint)}")
    lines += _away_lines(outcome.away)
    if outcome.undone:
        lines.append(f"[yellow]{len(outcome.undone)} more were not tried: they need what failed[/]")
    did = f"{outcome.added} added, {outcome.changed} changed, {outcome.destroyed} destroyed"
    lines.append(
        f"[bold]{'Applied' if outcome.ok else 'Applied in part'}:[/] {did} in {outcome.seconds:.0f} s."
    )
    return lines
