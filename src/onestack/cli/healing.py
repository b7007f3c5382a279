"""The commands about healing: status, history, simulate; and fence and unfence of hosts."""

from __future__ import annotations

import sys
import time
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from onestack.cli.common import command, here
from onestack.cli.hosts import host as host_group
from onestack.cli.main import cli


@cli.group("healing")
def healing() -> None:
    """What happens to the guests of a host that is lost."""


@command(healing, "status")
def status() -> None:
    """Each compute host's lease, which are fenced, and whether the reserve holds. Exit status: 0 all serve, 1 not."""
    found = here().cloud.healing.status(reserve=True)
    table = Table(box=None, pad_edge=False)
    for title in ("host", "state", "silent", "fenced"):
        table.add_column(title)
    for each in found.hosts:
        silent = "" if each["silent"] is None else f"{each['silent']:.0f} s"
        fenced = each["proof"] or "yes" if each["fenced"] else "returning" if each["returning"] else ""
        table.add_row(each["host"], each["state"], silent, escape(fenced))
    lines: list[object] = [f"healing is {'on' if found.on else 'off'}"]
    if found.on:
        lines.append(f"the healer of {found.healer or 'no host'} acts")
    if found.restrained:
        lines.append("[red]too many hosts look lost: nothing is evacuated[/]")
    if found.reserve:
        lines.append(_held(found.reserve))
    here().report(found.as_dict(), [*lines, table])  # type: ignore[list-item]
    serve = all(each["state"] == "serving" and not each["fenced"] for each in found.hosts)
    sys.exit(0 if serve and not found.restrained else 1)


def _held(reserve: dict[str, Any]) -> str:
    """Whether the reserve holds for the guests that run now."""
    number = reserve["hosts"]
    words = f"reserve of {number} host{'s' * (number != 1)}"
    if reserve["holds"]:
        return f"{words}: holds"
    verdict = "not known" if reserve["holds"] is None else "[red]does not hold[/]"
    return f"{words}: {verdict}: {escape(reserve['why'])}"


@command(healing, "history")
@click.option("--host", metavar="HOST", help="Of this host alone.")
def show_history(host: str | None) -> None:
    """Each loss of a host: what was seen, how it was proved off, which guests went where, and what did not."""
    found = here().cloud.healing.history(host)
    lines = []
    for each in found:
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(each.began))
        lines.append(f"[bold]{began}[/] {each.kind} {escape(each.host)} (healer of {escape(each.by)})")
        if each.proof:
            fenced = time.strftime("%H:%M:%S", time.localtime(each.fenced or 0))
            lines.append(f"  fenced at {fenced}: {escape(each.proof)}")
        lines += [
            f"  {escape(one['name'])} is on {escape(one['to'])}, away for {one['away']:.0f} s{_answer(one)}"
            for one in each.moved
        ]
        lines += [
            f"  {escape(one['name'])} was not moved: {escape(one['why'])}"
            for one in (*each.failed, *each.left)
        ]
        lines.append(f"  {escape(each.outcome or 'under way')}")
    here().report([each.as_dict() for each in found], lines or ["no host was lost"])


def _answer(one: dict[str, Any]) -> str:
    """When a guest that was moved was seen to answer, and by what."""
    seen = escape(str(one.get("seen", "")))
    if one.get("answered") is None:
        return f"; {seen}" if seen else ""
    return f"; it answered after {one['answered']:.0f} s ({seen})"


@command(healing, "simulate")
@click.argument("name")
def simulate(name: str) -> None:
    """What would happen if host NAME were lost now. Changes nothing."""
    found = here().cloud.healing.simulate(name)
    lines = [
        f"proved off by: {escape(found.proof) if found.proof else '[red]nothing: no guest would be moved[/]'}"
    ]
    lines += [f"  {escape(each)} would be started elsewhere" for each in found.moved]
    lines += [f"  {escape(each['name'])} would stay away: {escape(each['why'])}" for each in found.left]
    if found.seconds is not None:
        lines.append(f"the first one would serve after about {found.seconds:.0f} s, by the last losses here")
    here().report(found.as_dict(), lines)


@command(host_group, "fence")
@click.argument("name")
@click.option("--off", is_flag=True, help="The host is off: you have made sure of that yourself.")
def fence(name: str, off: bool) -> None:
    """End the guests of host NAME, or have its power switched off, and start them elsewhere.

    It may run no guests until `host unfence`. With --off, your word is the proof: a guest that does run there still
    would run twice.
    """
    with here().events() as emit:
        found = here().cloud.healing.fence(name, emit, is_off=off)
    here().report(found.as_dict(), [f"{name} is fenced: {escape(found.outcome)}"])


@command(host_group, "unfence")
@click.argument("name")
def unfence(name: str) -> None:
    """Let host NAME run guests again, once it renews its lease."""
    with here().events() as emit:
        here().cloud.healing.unfence(name, emit)
    here().report({"unfenced": name}, [f"{name} may serve again"])
