"""How long a cloud of several hosts takes to come up, and what a compute host costs, beside a cloud of one host.

    python bench/hosts.py [--compute 3] [--work DIR]

The hosts are pretended ones (tests/cluster/hosts.py): all of them share this machine's processors, so that figures
are upper bounds. Parts come from the cache. Prints seconds and MiB with ratios to one host, then one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import measuring

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from onestack.core.events import silent
from onestack.core.paths import Paths
from onestack.host import processes
from onestack.platform.fetch import fetch
from onestack.platform.up import trees_of
from onestack.spec import load

SECONDS = 1800.0
IDLE_SECONDS = 60.0
"""Before memory is measured: processes return what they needed while they started."""
SSH = ("sshd", "/usr/sbin/sshd")
"""By which hosts are reached; a pretended host has no other process of its own but its first one."""
CONTROL = "10.77.0.11"


def spec_text(compute: int) -> str:
    """A control host that runs guests, and so many others."""
    rows = [f"  - {{name: c1, address: {CONTROL}, roles: [control, network, compute]}}"]
    rows += [
        f"  - {{name: n{number}, address: 10.77.0.{20 + number}, roles: [compute]}}"
        for number in range(1, compute + 1)
    ]
    return "platform: {exclude: [dashboard]}\nhosts:\n" + "\n".join(rows) + "\n"


def onestack(host: Host, *words: str, check: bool = True) -> tuple[float, str]:
    """How many seconds a command took, and what it wrote."""
    begun = time.monotonic()
    said = host.run("env", "NO_COLOR=1", str(REPOSITORY / "onestack"), *words, seconds=SECONDS, check=check)
    return time.monotonic() - begun, said


def memory(host: Host) -> dict[str, float]:
    """MiB (proportional set size) of everything of the cloud on a host without guests, by process.

    Status does not count supervisord and the keeper; here is all that runs on the host but what a pretended host is
    made of. Pages of files that other hosts on this machine have loaded as well count in part.
    """
    found: dict[str, float] = {}
    assert host.init is not None, f"{host.name} does not run"
    for pid in host.pids():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        size = processes.memory(pid)
        if size and pid != host.init.pid and not words[0].startswith(SSH):
            name = _name(words)
            found[name] = found.get(name, 0.0) + size / 1024
    return found


def _name(words: list[str]) -> str:
    """A process by its program, or by its module where that is Python."""
    module = words[words.index("-m") + 1] if "-m" in words else ""
    return module.rpartition(".")[2] or Path(words[0]).name


def measure(hosts: Hosts, folder: Path, compute: int) -> dict[str, float]:
    """All figures; `folder` is seen by the hosts."""
    files: dict[int, str] = {}
    for number in (0, compute - 1, compute):
        text = spec_text(number)
        place = f"/root/hosts-{number}.yaml"
        files[number] = place
        hosts["c1"].run("sh", "-c", f"cat > {place} <<'END'\n{text}END\n")
        (folder / "spec.yaml").write_text(text)
        spec = load(folder / "spec.yaml")
        for each in spec.hosts:
            fetch(Paths.at(), spec.platform, silent, trees=trees_of(spec, each.name))
    control = hosts["c1"]
    found: dict[str, float] = {}
    # What is made once for a release (migrated databases) is there for both.
    onestack(control, "up", files[0])
    onestack(control, "destroy", "--yes")
    found["up, one host"] = onestack(control, "up", files[0])[0]
    onestack(control, "destroy", "--yes")
    onestack(control, "up", files[compute])
    onestack(control, "destroy", "--yes")
    found["up"] = onestack(control, "up", files[compute])[0]
    found["up with nothing to do"] = onestack(control, "up", files[compute])[0]
    time.sleep(IDLE_SECONDS)
    parts = memory(hosts["n1"])
    found["MiB of a compute host"] = sum(parts.values())
    for name, size in sorted(parts.items(), key=lambda item: -item[1]):
        found[f"  {name}"] = size
    found["remove a host"] = onestack(control, "host", "remove", f"n{compute}", "--yes")[0]
    found["add a host"] = onestack(control, "up", files[compute])[0]
    found["destroy"] = onestack(control, "destroy", "--yes")[0]
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--compute", type=int, default=3, help="hosts beside the control host, two at least")
    words.add_argument("--work", type=Path, default=Path("/var/tmp/onestack-bench-hosts"))
    given = words.parse_args()
    if given.compute < 2:
        measuring.refuse("--compute needs 2 or more", "one of them is removed and added again")
    names = {
        "c1": CONTROL,
        **{f"n{number}": f"10.77.0.{20 + number}" for number in range(1, given.compute + 1)},
    }
    made = Hosts(given.work)
    with tempfile.TemporaryDirectory() as folder, made.locked():
        made.up(names)
        try:
            found = measure(made, Path(folder), given.compute)
        finally:
            made.down()
    alone = found["up, one host"]
    for name, value in found.items():
        ratio = f"   {value / alone:.2f} x up of one host" if name in ("up", "add a host") else ""
        print(f"{name:<24} {value:>8.1f}{ratio}")
    print(json.dumps({"compute": given.compute, **found}))


if __name__ == "__main__":
    measuring.run(main)
