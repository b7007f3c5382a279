"""How long a guest is away while it is migrated live, as a prober sees it that asks a hundred times a second.

    python bench/migration.py [--rounds 2] [--work DIR]

Three pretended hosts (tests/cluster/hosts.py), on all of which guests run; the gateway to the external network is on
the first. A guest with its disk in a file goes from each host to the next, so many times around. Prints, for each
migration, how long Nova took and the longest time between two answered requests to its floating IP, then the median
and the worst, and one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import measuring

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from cluster.cloud import SPEC, fetch_parts, onestack
from cluster.host import REPOSITORY, Host
from cluster.hosts import Hosts
from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.spec import load

PROBER = REPOSITORY / "bench/icmp_prober.py"
END = "/root/icmp-prober.end"
SAID = "/root/icmp-prober.json"
WAYS = (("n1", "n2"), ("n2", "c1"), ("c1", "n1"))


def openstack(control: Host, *words: str) -> Any:
    """What OpenStack's client says, as JSON."""
    return json.loads(onestack(control, "exec", "--", "openstack", *words, "-f", "json"))


class Guest:
    """The guest of `onestack demo`, with a floating IP."""

    def __init__(self, control: Host) -> None:
        self._control = control
        self.address = json.loads(onestack(control, "demo", "--json").splitlines()[-1])["url"].split("/")[2]
        (server,) = openstack(control, "server", "list", "--all-projects")
        self._id = server["ID"]

    def host(self) -> str:
        """Where it runs; "" while it is on its way. Raises PermanentError where it is in ERROR."""
        shown = openstack(self._control, "server", "show", self._id)
        if shown["status"] == "ERROR":
            raise PermanentError(f"the server went to ERROR: {shown.get('fault')}")
        still = shown["status"] == "ACTIVE" and not shown["OS-EXT-STS:task_state"]
        return str(shown["OS-EXT-SRV-ATTR:host"]) if still else ""

    def move(self, to: str) -> float:
        """Migrate it, and wait until it is there. Seconds."""
        begun = time.monotonic()
        words = ("server", "migrate", "--live-migration", "--os-compute-api-version", "2.79", "--host", to)
        onestack(self._control, "exec", "--", "openstack", *words, self._id)
        until(f"the guest to run on {to}", lambda: ((now := self.host()) == to, now), seconds=300)
        return time.monotonic() - begun

    def away(self, to: str) -> tuple[float, dict[str, float]]:
        """How long its migration takes, and what a prober sees of it."""
        self._control.run("rm", "-f", END, SAID)
        ask = f"./onestack exec -- python3 {PROBER} {self.address} {END} > {SAID} 2>&1 < /dev/null"
        self._control.run("sh", "-c", f"setsid sh -c '{ask}' > /dev/null 2>&1 &", folder=REPOSITORY)
        time.sleep(2)
        try:
            took = self.move(to)
            time.sleep(2)
        finally:
            self._control.run("touch", END)
        until("the prober to end", lambda: (self._said().startswith("{"), self._said()), seconds=30)
        return took, json.loads(self._said())

    def _said(self) -> str:
        return self._control.run("cat", SAID, check=False).strip()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rounds", type=int, default=2, help="from each host to the next, so many times")
    words.add_argument("--work", type=Path, default=Path("/var/tmp/onestack-bench-migration"))
    given = words.parse_args()
    fetch_parts(load(SPEC))
    with Hosts.fresh(given.work) as made:
        control = made["c1"]
        onestack(control, "up", str(SPEC))
        guest = Guest(control)
        if guest.host() != WAYS[0][0]:
            guest.move(WAYS[0][0])
        found = []
        print(f"{'from':<5}{'to':<5}{'migration s':>12}{'away s':>9}{'answered':>12}", flush=True)
        for here, there in WAYS * given.rounds:
            took, seen = guest.away(there)
            found.append({"from": here, "to": there, "seconds": took, **seen})
            share = f"{seen['answered']:.0f}/{seen['sent']:.0f}"
            print(f"{here:<5}{there:<5}{took:>12.1f}{seen['longest']:>9.2f}{share:>12}", flush=True)
        times = [each["longest"] for each in found]
        print(f"away: median {statistics.median(times):.2f} s, worst {max(times):.2f} s")
        print(json.dumps({"migrations": found}))


if __name__ == "__main__":
    measuring.run(main)
