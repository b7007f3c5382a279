"""The commands that only read: status, logs, schema, openrc, doctor."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from onestack.cli import view
from onestack.cli.common import command, here
from onestack.cli.main import cli
from onestack.core.errors import BadInput

if TYPE_CHECKING:
    from onestack.health.ceph import CephStatus
    from onestack.health.status import Status
    from onestack.host import doctor
    from onestack.platform.backups import BackupStatus

_COLOURS = {"good": "green", "fair": "yellow", "bad": "red"}
_MARKS = {True: "[green]●[/]", False: "[red]●[/]"}


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _status_lines(status: Status) -> list[str]:
    colour = {"healthy": "green", "degraded": "yellow", "not running": "red"}[status.health]
    lines = [
        f"[bold]{status.name}[/]: [bold {colour}]{status.health}[/]  OpenStack {status.release} at {status.gateway}",
        f"guests: {status.guests} ({status.hypervisor}), {status.datapath} datapath",
        "",
        "[dim]  process         state        pid   memory   uptime  restarts[/]",
    ]
    for before, each in zip((None, *status.processes), status.processes, strict=False):
        if each.host and (before is None or before.host != each.host):
            lines.append(f"[dim]  on {each.host}[/]")
        memory = f"{each.memory} MiB" if each.memory is not None else "-"
        lines.append(
            f"{_MARKS[each.answers]} {each.name:<15} {each.state.lower():<9} {each.pid or '-':>6} {memory:>8}"
            f" {_duration(each.uptime):>8} {each.restarts:>9}"
        )
    total = sum(each.memory or 0 for each in status.processes)
    lines.append(f"[dim]  together {total:>39} MiB[/]")
    if status.workers:
        lines += ["", "[dim]  worker or agent                        host[/]"]
        lines += [
            f"{_MARKS[each.alive]} {each.kind:<38} {each.host}{'' if each.enabled else '  (disabled)'}"
            for each in status.workers
        ]
    if status.quorum:
        lines += ["", "[dim]  cluster                                members[/]"]
        lines += [
            f"{_MARKS[each.members == each.size]} {each.service:<38} {each.members} of {each.size}"
            for each in status.quorum
        ]
    if status.ceph:
        lines += ["", *_ceph_lines(status.ceph)]
    if status.backup:
        lines += ["", _backup_line(status.backup)]
    if remarks := (*status.reasons, *status.scaling, *status.warnings):
        lines += ["", *(f"[yellow]![/] {escape(reason)}" for reason in remarks)]
    return lines


def _backup_line(backup: BackupStatus) -> str:
    if backup.last is None:
        return f"{_MARKS[not backup.late]} backup: none yet, to {escape(backup.to)}"
    return f"{_MARKS[not backup.late]} backup: {backup.last}, {_duration(backup.age)} old, in {escape(backup.to)}"


def _ceph_lines(ceph: CephStatus) -> list[str]:
    if ceph.problem:
        return [f"{_MARKS[False]} Ceph: no answer"]
    gib = 1 << 30
    whole = ceph.monitors == ceph.all_monitors and ceph.osds_up == ceph.osds and ceph.clean == ceph.groups
    return [
        f"{_MARKS[whole]} Ceph: {ceph.monitors} of {ceph.all_monitors} monitors,"
        f" {ceph.osds_up} of {ceph.osds} OSDs up,"
        f" {ceph.clean} of {ceph.groups} placement groups active+clean,"
        f" {ceph.used / gib:.1f} of {ceph.size / gib:.1f} GiB used",
        f"[dim]  {ceph.loss}[/]",
    ]


@command(cli, "status")
def status() -> None:
    """The state of every service, worker and agent. Exit status: 0 healthy, 1 degraded, 3 not running."""
    found = here().cloud.status()
    here().report(found.as_dict(), _status_lines(found))
    sys.exit(found.exit_status)


@command(cli, "logs")
@click.argument("service", required=False)
@click.option("--host", help="Only of this host, in a cloud of several.")
@click.option("-f", "--follow", is_flag=True, help="Follow the log until Ctrl-C.")
@click.option("--since", metavar="TIME", help="Only lines since then: 10m, 2h, or 2026-01-31T12:00.")
@click.option("-n", "--lines", default=100, show_default=True, help="How many lines, without --since.")
@click.option("--request", metavar="REQ-ID", help="All that the services logged about this request.")
def logs(
    service: str | None, host: str | None, follow: bool, since: str | None, lines: int, request: str | None
) -> None:
    """The log of SERVICE (or of all). `onestack status` lists their names."""
    if request and (follow or since):
        raise BadInput("--request shows all of a request", hint="without --follow and --since")
    try:
        for name, line in here().cloud.logs(
            service, host=host, follow=follow, since=since, lines=lines, request=request
        ):
            if here().as_json:
                view.json_line({"process": name, "line": line})
            else:
                sys.stdout.write(f"{line}\n" if service else f"{name:<15} {line}\n")
                if follow:
                    sys.stdout.flush()
    except KeyboardInterrupt:
        return


@command(cli, "schema")
def schema() -> None:
    """The spec's JSON Schema, for editors."""
    from onestack.spec import schema as spec_schema

    sys.stdout.write(json.dumps(spec_schema(), indent=1) + "\n")


def _dashboard(variables: dict[str, str]) -> None:
    site = here().cloud.site
    if site.dashboard is None:
        raise BadInput(
            "this cloud has no dashboard", hint="add dashboard to platform.services and run `onestack up`"
        )
    login = {
        "url": site.dashboard,
        "domain": variables["OS_USER_DOMAIN_NAME"],
        "user": variables["OS_USERNAME"],
        "password": variables["OS_PASSWORD"],
    }
    here().report(login, [])
    if not here().as_json:
        sys.stdout.writelines(f"{name:<10} {value}\n" for name, value in login.items())


@command(cli, "openrc")
@click.option("--dashboard", is_flag=True, help="Show the dashboard's login instead.")
def openrc(dashboard: bool) -> None:
    """Environment variables for OpenStack's own tools: eval "$(onestack openrc)"."""
    variables = here().cloud.environment()
    if dashboard:
        _dashboard(variables)
        return
    here().report(variables, [])
    if not here().as_json:
        for name, value in variables.items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@command(cli, "doctor")
@click.argument("spec", required=False, type=click.Path(dir_okay=False))
@click.option("--security", is_flag=True, help="Check the cloud that is here by OpenStack's Security Guide.")
def doctor_command(spec: str | None, security: bool) -> None:
    """What this machine supports, what `up` will choose because of it, and how to improve it.

    Exit status: 0 `up` can be run, 1 something prevents it; with --security 0 every check passed, 1 one failed.
    """
    if security:
        sys.exit(_security())
    if several := here().cloud.doctor_of_hosts(spec):
        here().report({name: each.as_dict() for name, each in several.items()}, _hosts_lines(several))
        sys.exit(max(each.exit_status for each in several.values()))
    report = here().cloud.doctor(spec)
    here().report(report.as_dict(), _doctor_lines(report))
    sys.exit(report.exit_status)


def _security() -> int:
    found = here().cloud.securing.check()
    lines = []
    for each in found:
        mark = "[green]pass[/]" if each.passed else "[red]FAIL[/]"
        lines.append(f"{mark}  {each.name:<22} {escape(each.what)}")
        lines += (
            [] if each.passed else [f"      {escape(each.why)}", f"      [dim]next:[/] {escape(each.hint)}"]
        )
    failed = sum(not each.passed for each in found)
    lines += ["", f"{len(found)} checks, {failed} failed"]
    here().report({"ok": not failed, "checks": [each.as_dict() for each in found]}, lines)
    return 1 if failed else 0


def _hosts_lines(reports: Mapping[str, doctor.Report]) -> list[RenderableType]:
    """All hosts side by side, with a row for each item, then the problems of each host."""
    lines: list[RenderableType] = []
    for title, part in (("The machines", "machine"), ("Choices", "choices")):
        table = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold")
        table.add_column("")
        rows: dict[str, dict[str, doctor.Item]] = {}
        for name, report in reports.items():
            table.add_column(name)
            for item in getattr(report, part):
                rows.setdefault(item.name, {})[name] = item
        for about, items in rows.items():
            cells = [
                f"[{_COLOURS.get(found.state, 'dim')}]●[/] {escape(found.value)}" if found else "-"
                for found in (items.get(name) for name in reports)
            ]
            table.add_row(about, *cells)
        lines += ["", table]
    for name, report in reports.items():
        findings = [f"[yellow]![/] {name}: {escape(str(finding))}" for finding in report.findings]
        lines += ["", *findings] if findings else []
    ready = all(each.ready for each in reports.values())
    return [*lines, "", "[green]`up` can be run[/]" if ready else "[red]`up` would refuse[/]"]


def _doctor_lines(report: doctor.Report) -> list[str]:
    lines: list[str] = []
    for title, items in (
        ("This machine", report.machine),
        ("Choices", report.choices),
        ("A cloud here", report.cloud),
    ):
        lines += ["", f"[bold]{title}[/]"]
        for item in items:
            colour = _COLOURS.get(item.state, "dim")
            lines.append(f"[{colour}]●[/] {item.name:<24} {escape(item.value)}")
    if report.findings:
        lines += ["", "[bold]Problems[/]"]
        lines += [f"[yellow]![/] {escape(str(finding))}" for finding in report.findings]
    if report.advice:
        lines += ["", "[bold]Advice[/]", *(f"  {escape(each)}" for each in report.advice)]
    lines += ["", "[green]`up` can be run[/]" if report.ready else "[red]`up` would refuse[/]"]
    return lines
