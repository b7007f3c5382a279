"""The prompt before something is changed: when it is shown, and what happens without a terminal.

`apply` and `destroy` ask on a terminal; `up` asks only where workloads would be destroyed or replaced. Where no
question can be asked (no terminal, or `--json`), `apply` and `up` require `--yes` if anything would be destroyed or
replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

from onestack.cli.common import here
from onestack.core.errors import BadInput, PermanentError

if TYPE_CHECKING:
    from onestack.workloads.plan import Plan

YES = click.option("--yes", is_flag=True, help="Do not ask.")
_SHOWN = 20


class Declined(PermanentError):
    """The user answered no."""


def on_terminal() -> bool:
    """Whether there is a terminal to ask a person."""
    return sys.stdin.isatty()


def confirm(question: str) -> None:
    """Ask; `yes` or `y` confirms. Raises Declined; raises BadInput with `--json`, where nobody can be asked."""
    if here().as_json:
        raise BadInput("with --json there is no prompt", hint="--yes approves it")
    answer = click.prompt(f"{question} (yes or no)", default="no", show_default=False, err=True)
    if answer.strip().lower() not in ("y", "yes"):
        raise Declined("not confirmed: nothing of this was done")


def for_plan(
    yes: bool, paused: Callable[[], AbstractContextManager[None]], *, only_destroying: bool = False
) -> Callable[[Plan], bool]:
    """A function that asks for approval of a plan. `paused`: a context in which the events' view draws nothing.

    `only_destroying`: do not ask for creations and changes in place.
    """

    def approve(plan: Plan) -> bool:
        from onestack.cli import plan_view

        destroying = list(plan.of("delete", "replace"))
        if yes or plan.empty or (only_destroying and not destroying):
            return False
        if on_terminal() and not here().as_json:
            with paused():
                here().report({}, plan_view.plan_lines(plan))
                confirm("Apply these changes?")
            return True
        if destroying:
            raise not_approved(plan)
        return False

    return approve


def not_approved(plan: Plan) -> BadInput:
    """The error for a plan that destroys something without approval."""
    destroying = list(plan.of("delete", "replace"))
    many = len(destroying)
    names = [f"{one.address} ({one.why})" if one.why else str(one.address) for one in destroying[:_SHOWN]]
    if many > _SHOWN:
        names.append(f"and {many - _SHOWN} more")
    return BadInput(
        f"{many} resource{'s' if many > 1 else ''} would be destroyed or replaced; nothing of this was done",
        detail="\n".join(names),
        hint="review `onestack plan`; --yes approves it",
    )
