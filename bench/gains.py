"""What each replacement gains, from recorded runs of bench/replacements.py, and the table of it.

The machine's speed differs from run to run by far more than an entry gains: other machines share its processors and
caches. But it differs for all processes alike. So the CPU (and the time) that servers take in a run is divided by
the CPU of processes that the entry cannot change: of Nova for an entry of Neutron, of MariaDB for one in both.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "runtime" / "src"))

import measuring
from screening import Model, Run, size

from onestack_runtime.replacements import registry
from onestack_runtime.replacements.entry import Replacement

UNCHANGED = {
    # It saves requests that Nova sends to Neutron.
    "physical-network": ("placement",),
    # It is in all processes, and saves work of MariaDB's.
    "database-connections": (),
}
"""An entry -> processes whose CPU does not depend on it, where `unchanged` cannot tell by where it is installed."""
BAR = 2.0
"""Percent of CPU or time that an entry is to gain."""


class Gain(NamedTuple):
    """How much more a server takes without an entry, and the standard error of that, in percent."""

    percent: float
    error: float


def unchanged(entry: Replacement) -> tuple[str, ...]:
    """Processes whose CPU for a server does not depend on an entry; empty if there are none."""
    if entry.name in UNCHANGED:
        return UNCHANGED[entry.name]
    others = tuple(each for each in ("nova", "neutron") if each not in entry.runners)
    # What neither project has saves no queries: those would be MariaDB's work.
    return others if len(others) == 1 else (*others, "mariadb")


def verdict(*gains: Gain) -> str:
    """Whether an entry gains BAR in CPU or time: more (by two standard errors), less (in both), or open."""
    if any(each.percent - 2 * each.error > BAR for each in gains):
        return "more"
    return "less" if all(each.percent < BAR for each in gains) else "open"


def gained(model: Model, runs: Sequence[Run], values: Sequence[float], entry: Replacement) -> Gain:
    """What `values` (measured in the runs) are more without an entry, after division by the machine's speed."""
    relative = [
        math.log(value / (sum(run.cpu[each] for each in unchanged(entry)) or 1.0))
        for run, value in zip(runs, values, strict=True)
    ]
    effect, error = model.fit(relative).effects[entry.name]
    return Gain(100 * math.expm1(effect), 100 * math.exp(effect) * error)


def where(model: Model, runs: Sequence[Run], entry: Replacement) -> str:
    """The processes whose CPU an entry changes by three standard errors and 0.1 % at least, in percent of all CPU."""
    total, found = sum(run.cpu_seconds for run in runs), []
    for process in sorted({each for run in runs for each in run.cpu} - {*unchanged(entry)}):
        cpu = [run.cpu.get(process, 0.0) for run in runs]
        if min(cpu) > 0 and unchanged(entry):
            gain = gained(model, runs, cpu, entry)
            percent = gain.percent * sum(cpu) / total
            if abs(gain.percent) > 3 * gain.error and abs(percent) >= 0.1:
                found.append((percent, process))
    return ", ".join(f"{process} {percent:+.1f}" for percent, process in sorted(found, reverse=True))


def table(runs: Sequence[Run], names: Sequence[str]) -> tuple[str, dict[str, object]]:
    """What the runs tell, for people and for programs. Raises TooFew."""
    model = Model(runs, names)
    used, seconds = [run.cpu_seconds for run in runs], [run.seconds for run in runs]
    cpu, took = model.fit(used), model.fit(seconds)
    entries = {each.name: each for each in registry.ALL if each.name in names}
    if gone := sorted({*names} - {*entries}):
        measuring.refuse(
            f"recorded with entries that are not in the registry: {', '.join(gone)}", "that commit"
        )
    gains = {
        name: (gained(model, runs, used, entry), gained(model, runs, seconds, entry))
        for name, entry in entries.items()
    }
    head = f"{'without it a server takes more':<30} {'CPU %':>7} {'±':>5} {'time %':>8} {'±':>5}"
    lines = [f"{head}  {f'{BAR:g} %?':<5} CPU by process, % of all"]
    for name in sorted(names, key=lambda each: -gains[each][0].percent):
        of_cpu, of_time = gains[name]
        numbers = f"{of_cpu.percent:>7.2f} {of_cpu.error:>5.2f} {of_time.percent:>8.2f} {of_time.error:>5.2f}"
        parts = where(model, runs, entries[name])
        lines.append(f"{name:<30} {numbers}  {verdict(of_cpu, of_time):<5} {parts}".rstrip())
    lines.append(
        f"\n±: one standard error. {BAR:g} %?: gains more in CPU or time, by two of them; less in both; or open."
    )
    lines.append(f"\nwith all: {cpu.base:.3f} CPU s a server, {60 / took.base:.1f} servers a minute")
    # Where these are far from the fit, entries gain together what one of them would alone, or the other way round.
    for what, off in ("all", set()), ("none", set(names)):
        if those := [run.cpu_seconds for run in runs if {*run.off} == off]:
            measured, fitted = statistics.mean(those), cpu.predicted(off)
            lines.append(
                f"runs with {what}: {len(those)}, {measured:.3f} CPU s a server; by the fit {fitted:.3f}"
            )
    noise = 100 * cpu.noise / cpu.base, 100 * took.noise / took.base
    error = max(gains[name][0].error for name in names if unchanged(entries[name]))
    lines.append(
        f"precision: {len(runs)} runs of {size(len(names))}, {cpu.freedom} degrees of freedom; noise of one run "
        f"{noise[0]:.1f} % of CPU, {noise[1]:.1f} % of time; largest standard error of a gain in CPU {error:.2f} %"
    )
    said: dict[str, object] = {
        "runs": len(runs),
        "cpu_seconds": cpu.base,
        "seconds": took.base,
        "noise_percent": noise,
        "percent": {name: {"cpu": gains[name][0], "time": gains[name][1]} for name in names},
    }
    return "\n".join(lines), said
