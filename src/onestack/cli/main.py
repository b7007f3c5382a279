"""The command line: arguments in, events out as lines or JSON. No logic."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import click

from onestack.cli import approval, summary, view
from onestack.cli.common import CLOUD, command, here
from onestack.core.errors import OneStackError

NEW_OBJECTS = 50_000
"""How many new objects begin a garbage collection. Imports create hundreds of thousands, all of which stay: with
Python's own limit the collections are an eighth of the time in which a command starts."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="onestack")
def cli() -> None:
    """A real OpenStack cloud from one file and one command.

    Exit status: 0 done, 1 failed or degraded, 2 wrong input (nothing was changed), 3 not running.
    """


LEAVE_UNREACHABLE = click.option(
    "--leave-unreachable", is_flag=True, help="Continue without the hosts that cannot be reached."
)


@command(cli, "up")
@click.argument("spec", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--archive", metavar="URL", help="The Debian mirror the base is built from.")
@click.option(
    "--wait",
    default=0.0,
    metavar="SECONDS",
    help="Wait for another command that holds the cloud's lock; with --leave-unreachable also for the other control"
    " hosts, without a majority of which no cluster is begun.",
)
@click.option(
    "--install-client-config",
    is_flag=True,
    help="Add the cloud to your own clouds.yaml, where OpenStack's tools find it.",
)
@click.option("--force", is_flag=True, help="Continue despite findings of checks that can be forced.")
@LEAVE_UNREACHABLE
@approval.YES
def up(
    spec: Path | None,
    archive: str | None,
    wait: float,
    force: bool,
    install_client_config: bool,
    leave_unreachable: bool,
    yes: bool,
) -> None:
    """Start the cloud, and restart what does not run. Idempotent.

    SPEC is a file that describes the cloud; without it the cloud starts as it was, or a default one. Where tenants
    or workloads would be destroyed or replaced, it asks first; without a terminal that needs --yes.
    """
    with here().events() as emit:
        approve = approval.for_plan(yes, emit.paused, only_destroying=True)
        site = here().cloud.up(
            spec,
            emit=emit,
            mirror=archive,
            wait=wait,
            force=force,
            approve=approve,
            leave_unreachable=leave_unreachable,
        )
    if install_client_config:
        here().cloud.install_client_config()
    here().report(summary.data(site), summary.lines(site))


@command(cli, "down")
@click.option("--keep-guests", is_flag=True, help="Keep guests and their network running.")
@click.option(
    "--wait", default=0.0, metavar="SECONDS", help="Wait for another command that holds the cloud's lock."
)
@LEAVE_UNREACHABLE
@click.option("--this-host", is_flag=True, help="Stop only what runs on this host.")
def down(keep_guests: bool, wait: float, leave_unreachable: bool, this_host: bool) -> None:
    """Stop everything in order; all data stays."""
    with here().events() as emit:
        here().cloud.down(
            emit=emit,
            keep_guests=keep_guests,
            wait=wait,
            leave_unreachable=leave_unreachable,
            this_host=this_host,
        )


@command(cli, "destroy")
@click.argument("spec", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--purge", is_flag=True, help="Remove the cache (base, environments) of this machine too.")
@approval.YES
@click.option(
    "--wait", default=0.0, metavar="SECONDS", help="Wait for another command that holds the cloud's lock."
)
@LEAVE_UNREACHABLE
@CLOUD
def destroy(
    spec: Path | None, purge: bool, yes: bool, wait: float, leave_unreachable: bool, cloud: str | None
) -> None:
    """Remove the cloud with all its data, and check that nothing is left.

    With SPEC the cloud stays: only the resources that the spec created are removed, in every tenant.
    """
    if spec is not None:
        if purge:
            raise click.UsageError("--purge is for the whole cloud, not for a spec")
        _destroy_resources(spec, yes, cloud)
        return
    if cloud is not None:
        raise click.UsageError("--cloud needs SPEC: only what a spec created is removed from other clouds")
    if not yes and approval.on_terminal() and here().cloud.exists:
        approval.confirm(
            f"Destroy the cloud under {here().cloud.paths.root} with everything in it?{_key_lost()}"
        )
    with here().events() as emit:
        removed = here().cloud.destroy(emit=emit, purge=purge, wait=wait, leave_unreachable=leave_unreachable)
    here().report({"removed": removed}, [])


def _key_lost() -> str:
    """What goes away with the cloud that its backups need, for a question."""
    place = here().cloud.backups().known_place
    return (
        f" Its backups in {place} need its key, which goes away too (`onestack backup key`)." if place else ""
    )


def _destroy_resources(spec: Path, yes: bool, cloud: str | None) -> None:
    from onestack.cli import plan_view
    from onestack.spec import load

    read = load(spec)
    there = here().clouds_of(read, cloud)
    plan = there.removal(read)
    if not yes and approval.on_terminal() and not plan.empty:
        if not here().as_json:
            here().report({}, plan_view.plan_lines(plan))
        approval.confirm("Destroy all of this?")
    with here().events() as emit:
        outcome = there.apply(plan, spec=read, emit=emit)
    here().report(outcome.as_dict(), plan_view.outcome_lines(outcome))
    sys.exit(0 if outcome.ok else 1)


def main() -> None:
    """Run the command line; errors become messages and exit statuses."""
    gc.set_threshold(NEW_OBJECTS)
    as_json = "--json" in sys.argv
    try:
        cli(standalone_mode=False, prog_name="onestack", complete_var="_ONESTACK_COMPLETE")
    except click.exceptions.Abort:
        # After Ctrl-C, do not wait for threads. What was started keeps running; the next `up` continues from there.
        view.err.print("\n[yellow]stopped[/]; run the same command again to continue")
        os._exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OneStackError as error:
        view.show_error(error, as_json=as_json)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(error.exit_status)
