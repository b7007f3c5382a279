"""A cloud with a guest that takes on hosts: how it is asked whether its resources and its guest stayed the same."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cluster.cloud import onestack
from cluster.host import REPOSITORY, Host
from onestack.core.wait import until

GAP_SECONDS = 15.0
"""Without the announcement of floating IPs it is 29; on a machine with nothing else to do it is about 2."""
SPEC_FILE = "/root/cloud.yaml"
"""On the control host."""
DEMO = str(REPOSITORY / "examples/demo.yaml")
# Asks ten times a second until it is told to end, and says how long nothing answered at the most.
PROBER = """
import os, sys, threading, time, urllib.request
url, out = sys.argv[1:]
answers, begun, asked = [], time.monotonic(), 0
def ask():
    try:
        urllib.request.urlopen(url, timeout=1).read()
        answers.append(time.monotonic())
    except OSError:
        pass
while not os.path.exists(out + ".end"):
    threading.Thread(target=ask, daemon=True).start()
    asked += 1
    time.sleep(max(0.0, begun + asked / 10 - time.monotonic()))
times = [begun, *sorted(answers), time.monotonic()]
open(out + ".partial", "w").write(str(max(b - a for a, b in zip(times, times[1:]))))
os.rename(out + ".partial", out)
"""
IDS = """
import json, openstack
cloud = openstack.connect()
found = {
    "server": cloud.compute.servers(all_projects=True), "flavor": cloud.compute.flavors(),
    "image": cloud.image.images(), "network": cloud.network.networks(), "subnet": cloud.network.subnets(),
    "port": cloud.network.ports(), "router": cloud.network.routers(), "floating ip": cloud.network.ips(),
    "group": cloud.network.security_groups(),
    # Each host with guests and no APIs has a user of its own: they come and go with the hosts.
    "user": (each for each in cloud.identity.users() if not each.name.startswith("nova-compute-")),
    "project": cloud.identity.projects(), "role": cloud.identity.roles(), "service": cloud.identity.services(),
}
print(json.dumps({kind: sorted(each.id for each in those) for kind, those in found.items()}))
"""


@dataclass(frozen=True)
class Prober:
    """Asks a URL all the time, from a host. `name`: of its files there."""

    host: Host
    url: str
    name: str = "gap"

    def start(self) -> None:
        out = f"/root/{self.name}"
        self.host.run("rm", "-f", out, f"{out}.end")
        write(self.host, "/root/prober.py", PROBER)
        line = f"setsid --fork python3 /root/prober.py {self.url} {out} </dev/null >/dev/null 2>&1"
        self.host.run("sh", "-c", line)

    def gap(self) -> float:
        """End it; for how many seconds nothing answered at the most."""
        out = f"/root/{self.name}"
        self.host.run("touch", f"{out}.end")
        read = ("cat", out)
        until(
            "the prober to end",
            lambda: (bool(self.host.run(*read, check=False)[:1].isdigit()), ""),
            seconds=30,
        )
        return float(self.host.run(*read))


@dataclass
class Grown:
    """The cloud of one host with guests. `probers`: one for each guest. `ids`, `guests`: what they were before it
    grew."""

    control: Host
    probers: list[Prober]
    ids: dict[str, list[str]]
    guests: str

    def ask(self, program: str, *words: str) -> str:
        return onestack(self.control, "exec", "python", "-c", program, *words).strip()

    def seen(self) -> dict[str, list[str]]:
        found = json.loads(self.ask(IDS))
        assert isinstance(found, dict)
        return found

    def up(self, spec: str) -> None:
        write(self.control, SPEC_FILE, spec)
        onestack(self.control, "up", SPEC_FILE)

    def probe(self) -> None:
        for each in self.probers:
            each.start()

    def gap(self) -> float:
        """End the probers; the longest time for which one of the guests did not answer, in seconds."""
        return max(each.gap() for each in self.probers)

    def clear(self) -> None:
        """Destroy the cloud, and remove the files of tests."""
        onestack(self.control, "destroy", "--yes")
        files = [each.name for each in self.probers] + [f"{each.name}.end" for each in self.probers]
        self.control.run("rm", "-f", SPEC_FILE, *(f"/root/{name}" for name in ("prober.py", *files)))


def write(host: Host, place: str, text: str) -> None:
    host.run("python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", place, text)


def guests(host: Host) -> str:
    """The process ids of a host's guests."""
    return host.run("pgrep", "-x", "qemu-system-x86").strip()
