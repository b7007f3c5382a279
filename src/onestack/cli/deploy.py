"""The commands for a spec's tenants and resources: plan, apply, drift."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from onestack.cli import approval
from onestack.cli.common import CLOUD, command, errors_are, here
from onestack.cli.main import cli
from onestack.core.errors import BadInput

_SPEC = click.argument("spec", type=click.Path(dir_okay=False, path_type=Path))
_ADOPT = click.option("--adopt", is_flag=True, help="Adopt existing resources that have a name in the spec.")
_FORCE = click.option("--force", is_flag=True, help="Continue even if the servers do not fit on the hosts.")
_PRUNE = click.option("--prune", is_flag=True, help="Delete resources that were removed from the spec.")


@command(cli, "plan")
@_SPEC
@_PRUNE
@_ADOPT
@_FORCE
@click.option("--detailed-exitcode", is_flag=True, help="Exit status: 0 no changes, 2 changes, 1 an error.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan to a file for `apply`."
)
@CLOUD
def plan(
    spec: Path,
    prune: bool,
    adopt: bool,
    force: bool,
    detailed_exitcode: bool,
    out: Path | None,
    cloud: str | None,
) -> None:
    """Show what would change; change nothing.

    SPEC is the file that describes the cloud.
    """
    from onestack.cli import plan_view
    from onestack.spec import load
    from onestack.workloads.plan.document import as_data

    # With --detailed-exitcode, 2 means that there are changes, and must not mean a wrong spec.
    with errors_are(1 if detailed_exitcode else None):
        read = load(spec)
        found = here().clouds_of(read, cloud).plan(read, prune=prune, adopt=adopt, force=force)
    if out:
        written: dict[str, Any] = {"spec": {"file": str(spec), "text": spec.read_text()}}
        written |= {"prune": prune, "adopt": adopt} | ({"cloud": cloud} if cloud else {})
        out.write_text(json.dumps({**as_data(found), "made_from": written}, indent=1))
    here().report(as_data(found), plan_view.plan_lines(found))
    if plan_view.away(found):
        sys.exit(1)
    sys.exit(2 if detailed_exitcode and not found.empty else 0)


@command(cli, "apply")
@_SPEC
@_PRUNE
@_ADOPT
@_FORCE
@approval.YES
@CLOUD
def apply(spec: Path, prune: bool, adopt: bool, force: bool, yes: bool, cloud: str | None) -> None:
    """Make tenants and workloads match SPEC; the platform is left as it is.

    On a terminal it shows the plan and asks. Without one it needs --yes where something would be destroyed or
    replaced. SPEC may also be a plan that `plan --out` wrote: it is applied without a prompt, if the cloud has not
    changed since.
    """
    from onestack.cli import plan_view
    from onestack.spec import load, loads

    made = _written(spec)
    with here().events() as emit:
        if made is None:
            approve = approval.for_plan(yes, emit.paused)
            read = load(spec)
            there = here().clouds_of(read, cloud)
            outcome = there.apply(
                spec=read, prune=prune, adopt=adopt, force=force, emit=emit, approve=approve
            )
        else:
            text = made["made_from"]["spec"]
            there = here().clouds_of(loads(text["text"], text["file"]), _planned_for(made, cloud))
            outcome = there.apply_written(made, emit=emit)
    here().report(outcome.as_dict(), plan_view.outcome_lines(outcome))
    sys.exit(0 if outcome.ok else 1)


def _planned_for(made: dict[str, Any], cloud: str | None) -> str | None:
    """The cloud of clouds.yaml that a plan was made for. Raises BadInput if another one was named."""
    planned: str | None = made["made_from"].get("cloud")
    if cloud is not None and cloud != planned:
        which = f"the cloud '{planned}'" if planned else "this machine's cloud"
        raise BadInput(f"the plan was made for {which}, not for '{cloud}'")
    return planned


def _written(file: Path) -> dict[str, Any] | None:
    """The plan in a file; None if the file is not a plan."""
    try:
        data = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and "made_from" in data else None


@command(cli, "drift")
@_SPEC
@click.option("--watch", type=float, metavar="SECONDS", help="Repeat at this interval.")
@CLOUD
def drift(spec: Path, watch: float | None, cloud: str | None) -> None:
    """Show what somebody changed by hand, field by field. Exit status: 0 nothing, 2 something, 1 an error."""
    from onestack.cli import plan_view
    from onestack.spec import load
    from onestack.workloads.plan.document import as_data

    if watch is not None and watch <= 0:
        raise BadInput("--watch needs a number of seconds above 0")
    shown = None
    while True:
        with errors_are(1):
            read = load(spec)
            found = here().clouds_of(read, cloud).plan(read, force=True)
        if as_data(found) != shown:
            shown = as_data(found)
            here().report(shown, plan_view.drift_lines(found))
        if watch is None:
            sys.exit(1 if plan_view.away(found) else 0 if found.empty else 2)
        time.sleep(watch)
