"""How long guests are away when their compute host is lost, until they run on another one.

    python bench/healing.py [--runs 20] [--fault NAME ...] [--guests 1] [--proof lease|fence] [--work DIR]

The hosts are pretended ones (tests/cluster/hosts.py): all of them share this machine's processors, and guests are
emulated, so that figures are upper bounds. A host's power fails (kill), its link is cut (cut), or all of its
processes are stopped for a minute and go on then (freeze). With --proof fence a fence agent switches it off. Prints
for each fault the seconds until the first and the last guest run elsewhere and are seen to answer (median and worst
of all runs), and how long a guest ran twice, as seen from outside; then one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import measuring

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from cluster import power
from cluster.cloud import SPEC, fetch_parts, onestack
from cluster.counting import DELETE, ask
from cluster.healing import all_serve, answered, healing, make, running, spec, up
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.spec import load

SECONDS = 240.0
"""For guests to run elsewhere."""
FROZEN = 60.0
"""For so many seconds a frozen host stands still."""
LOST = "n1"

FAULTS: dict[str, Callable[[Host], None]] = {"kill": Host.lose, "cut": Host.cut, "freeze": Host.freeze}


@dataclass(frozen=True)
class Run:
    """Seconds from the fault: until the first and the last guest ran elsewhere, and were seen to answer by the
    healer; and for how long one ran twice, on hosts that both ran."""

    first: float
    last: float
    first_answer: float
    last_answer: float
    twice: float


def measure(hosts: Hosts, control: Host, fault: str, guests: int) -> Run:
    """One loss, and the host's return."""
    idents = {*make(control, LOST, {f"guest-{number}": "evacuate" for number in range(guests)})}
    before = len(healing(control, "history"))
    began, at = time.monotonic(), time.time()
    FAULTS[fault](hosts[LOST])
    elsewhere: dict[str, float] = {}
    twice = 0.0
    while len(elsewhere) < guests:
        if time.monotonic() - began > SECONDS:
            raise SystemExit(f"error: {guests - len(elsewhere)} guests do not run elsewhere")
        for ident, there in running(hosts).items():
            if ident in idents and set(there) - {LOST}:
                elsewhere.setdefault(ident, time.monotonic() - began)
        if fault == "cut":
            twice += _doubled(hosts)
        time.sleep(0.1)
    answers = _answers(control, before, at)
    if fault == "freeze":
        time.sleep(max(0.0, FROZEN - (time.monotonic() - began)))
    lost = not hosts[LOST].runs
    hosts[LOST].back()
    thawed = time.monotonic()
    while fault == "freeze" and time.monotonic() - thawed < 5:
        twice += _doubled(hosts)
    if lost:
        onestack(hosts[LOST], "up")
    all_serve(control)
    for ident in idents:
        ask(control, DELETE, ident)
    return Run(min(elsewhere.values()), max(elsewhere.values()), min(answers), max(answers), twice)


def _answers(control: Host, event: int, fault: float) -> list[float]:
    """After how many seconds each guest was seen to answer. `fault`: when that was, Unix time."""
    moved = answered(control, event)
    found = healing(control, "history")[event]
    renewed = found["began"] - found["silent"]
    return [float(renewed + each["answered"] - fault) for each in moved]


def _doubled(hosts: Hosts) -> float:
    """How long this look took, if it saw a guest on two hosts; else 0."""
    began = time.monotonic()
    found = any(len(there) > 1 for there in running(hosts).values())
    return time.monotonic() - began if found else 0.0


def table(found: dict[str, list[Run]]) -> list[str]:
    """Lines of text, one for each fault."""
    columns = ("first", "last", "first_answer", "last_answer")
    titles = "".join(f" {each.replace('_', ' ') + ' s':>14} {'worst':>7}" for each in columns)
    lines = [f"{'fault':<8} {'runs':>5}{titles} {'twice s':>8}"]
    for fault, runs in found.items():
        figures = ""
        for each in columns:
            values = [float(getattr(run, each)) for run in runs]
            figures += f" {statistics.median(values):>14.1f} {max(values):>7.1f}"
        lines.append(f"{fault:<8} {len(runs):>5}{figures} {max(each.twice for each in runs):>8.2f}")
    return lines


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--runs", type=int, default=20)
    words.add_argument("--fault", action="append", choices=FAULTS, help="all, unless given")
    words.add_argument("--guests", type=int, default=1)
    words.add_argument("--proof", choices=("lease", "fence"), default="lease")
    words.add_argument("--work", type=Path, default=Path("/var/tmp/onestack-bench-healing"))
    given = words.parse_args()
    if given.runs < 1 or given.guests < 1:
        measuring.refuse("--runs and --guests need 1 or more", "20 runs give a median and a worst one")
    fetch_parts(load(SPEC))
    found: dict[str, list[Run]] = {}
    with Hosts.fresh(given.work) as hosts, ExitStack() as stack:
        control = hosts["c1"]
        if given.proof == "fence":
            stack.enter_context(power.switched(hosts))
        up(control, spec(given.proof, power.PROGRAM if given.proof == "fence" else ""))
        all_serve(control)
        for name in given.fault or FAULTS:
            for _ in range(given.runs):
                found.setdefault(name, []).append(measure(hosts, control, name, given.guests))
                print(f"{name}: {found[name][-1]}", file=sys.stderr, flush=True)
    print("\n".join(table(found)))
    print(json.dumps({name: [asdict(each) for each in runs] for name, runs in found.items()}))


if __name__ == "__main__":
    measuring.run(main)
