"""Nova and Neutron each stay on one processor; what they start may run on all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from onestack_runtime.serving import processors


def machine(root: Path, cores: list[str], capacities: dict[int, int] | None = None) -> Path:
    """What the kernel tells of its processors: `cores` as it writes them down, with the threads of each."""
    for core in cores:
        ends = [int(end) for end in core.replace("-", ",").split(",")]
        threads = range(ends[0], ends[-1] + 1) if "-" in core else ends
        for number in threads:
            cpu = root / f"cpu{number}"
            (cpu / "topology").mkdir(parents=True)
            (cpu / "topology/core_cpus_list").write_text(f"{core}\n")
            if capacities:
                (cpu / "cpu_capacity").write_text(f"{capacities[number]}\n")
    return root


@pytest.mark.parametrize(
    ("cores", "capacities", "expected"),
    [
        (["0", "1"], {0: 1024, 1: 1024}, [0, 1]),
        (["0-1", "2-3"], None, [0, 2, 1, 3]),  # threads of a core beside each other
        (["0,2", "1,3"], None, [0, 1, 2, 3]),  # and apart
        (["0", "1", "2", "3"], {0: 400, 1: 400, 2: 1024, 3: 1024}, [2, 3, 0, 1]),  # small cores first
    ],
)
def test_each_gets_a_core_where_there_are_enough(
    tmp_path: Path, cores: list[str], capacities: dict[int, int] | None, expected: list[int]
) -> None:
    assert processors.order(range(len(expected)), machine(tmp_path, cores, capacities)) == expected


def test_a_kernel_that_tells_nothing_will_do(tmp_path: Path) -> None:
    assert processors.order({3, 5, 4}, tmp_path) == [3, 4, 5]


STAY = """
import json, os, subprocess, sys, threading
from pathlib import Path
from onestack_runtime.serving import processors
from onestack_runtime.replacements import processors as replaced, registry, source
digests = {name: source.digest(source.value(name)) for entry in replaced.ENTRIES for name in entry.targets}
assert registry.install("nova", replaced.ENTRIES, digests, Path(sys.argv[2])) == {replaced.NAME}
processors.pin(int(sys.argv[1]))
ask = "import os; print(sorted(os.sched_getaffinity(0)))"
seen = {"self": sorted(os.sched_getaffinity(0))}
thread = threading.Thread(target=lambda: seen.update(thread=sorted(os.sched_getaffinity(0))))
thread.start(); thread.join()
seen["child"] = json.loads(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True).stdout)
try:
    subprocess.run(["/nonexistent"])
except FileNotFoundError:
    seen["after"] = sorted(os.sched_getaffinity(0))
print(json.dumps(seen))
"""


@pytest.mark.parametrize("place", [processors.NOVA, processors.NEUTRON, 99])
def test_threads_stay_and_children_may_go_anywhere(place: int, tmp_path: Path) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    told = subprocess.run(
        [sys.executable, "-c", STAY, str(place), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(processors.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(told.stdout)
    mine = processors.order(allowed)[place % len(allowed)]
    assert seen == {"self": [mine], "thread": [mine], "child": allowed, "after": [mine]}
