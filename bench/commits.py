"""One commit beside another: how fast a cloud comes up and back, what it costs, how fast servers are made.

    python bench/commits.py OLD [NEW] [--rounds 2] [--alone 30] [--together 40] [--clients 8] [--tenants 5]
                            [--servers 20]

Each commit gets a checkout with an environment of its own (`./onestack --help` makes it), and a cloud of Nova's
fake driver under a root of its own, which is taken away again. The two take turns, so that what else the machine
does meets both. Prints a line for each figure: the medians of old and new, and new divided by old. All that a
cloud is made of must be in the cache.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import measuring

PROBE = Path(__file__).with_name("probe.py")
REPOSITORY = Path(__file__).resolve().parents[1]
FIGURES = {
    "first up": "s",
    "up after down": "s",
    "idle PSS": "MiB",
    "one after another": "servers/min",
    "from many clients": "servers/min",
    "CPU per server": "s",
    "apply": "resources/s",
}


def full_name(commit: str) -> str:
    """The digits of a commit, by which a clone knows it too: it does not have this repository's branches."""
    words = ["git", "rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}"]
    found = subprocess.run(words, cwd=REPOSITORY, check=False, capture_output=True, text=True)
    if found.returncode:
        measuring.refuse(f"there is no commit {commit} in {REPOSITORY}", "git log --oneline has their names")
    return found.stdout.strip()


def checkout(commit: str, folder: Path) -> Path:
    """A checkout of a commit that can run."""
    place = folder / full_name(commit)
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", str(REPOSITORY), str(place)], check=True)
    subprocess.run(["git", "checkout", "--quiet", "--detach", place.name], cwd=place, check=True)
    subprocess.run(["./onestack", "--help"], cwd=place, check=True, stdout=subprocess.DEVNULL)
    return place


def measure(place: Path, folder: Path, words: list[str]) -> dict[str, float]:
    """The figures of one round, by the probe in that checkout's environment."""
    argv = [str(place / ".venv/bin/python"), "-W", "ignore", str(PROBE), str(folder / "root"), *words]
    done = subprocess.run(argv, cwd=place, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"the probe failed in {place.name}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old")
    parser.add_argument("new", nargs="?", default="HEAD")
    parser.add_argument("--rounds", type=int, default=2)
    sizes = {"alone": 30, "together": 40, "clients": 8, "tenants": 5, "servers": 20}
    for name, size in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=size)
    given = parser.parse_args()
    if os.geteuid() != 0:
        measuring.refuse("this brings clouds up and down: it needs root", "run it with sudo, or as root")
    if full_name(given.old) == full_name(given.new):
        measuring.refuse(f"{given.old} and {given.new} are the same commit", "name two")
    words = [str(getattr(given, name)) for name in sizes]
    with tempfile.TemporaryDirectory(prefix="onestack-bench-", dir="/var/tmp") as folder:
        places = {commit: checkout(commit, Path(folder)) for commit in (given.old, given.new)}
        found: dict[str, list[dict[str, float]]] = {commit: [] for commit in places}
        for number in range(given.rounds):
            for commit, place in places.items():
                found[commit].append(measure(place, Path(folder), words))
                print(f"round {number + 1}, {commit}: {json.dumps(found[commit][-1])}", flush=True)
    for name, unit in FIGURES.items():
        old, new = (statistics.median(each[name] for each in found[commit]) for commit in places)
        print(f"{name:20} {old:9.2f} -> {new:9.2f} {unit:12} new/old {new / old:.2f}")


if __name__ == "__main__":
    measuring.run(main)
