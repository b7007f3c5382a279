"""A cloud with healing on the pretended hosts: its spec, its guests, and where each of them runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cluster import processes
from cluster.cloud import SPEC, onestack
from cluster.counting import COMMON, USER_DATA, ask
from cluster.host import Host
from cluster.hosts import Hosts
from onestack.core.wait import until

SECONDS = 180.0
"""How long the hosts may take to serve again, and a guest to be moved."""
# Each says its start's number on the console, and what healing does with it is in its metadata.
MAKE = (
    COMMON
    + """
made = [compute.create_server(
    name=name, image_id=next(cloud.image.images(name="tiny")).id, networks="none", config_drive=True,
    flavor_id=compute.find_flavor("m1.nano").id, availability_zone="nova:" + sys.argv[2],
    metadata={"healing": wish}, user_data=base64.b64encode(sys.argv[1].encode()).decode(),
) for name, wish in json.loads(sys.argv[3]).items()]
for server in made:
    until(lambda now: now.status == "ACTIVE")
    until(said("start number 1."))
    print(server.id)
"""
)
# Whether Nova may choose a host: its guests go on.
SERVES = """
import sys, openstack
compute = openstack.connect().compute
(service,) = compute.services(host=sys.argv[1], binary="nova-compute")
(compute.enable_service if sys.argv[2] == "enable" else compute.disable_service)(service)
"""


def spec(proof: str = "lease", fence: str = "") -> str:
    """examples/hosts.yaml with healing. `fence`: the program that switches a host off, called with its name."""
    text = SPEC.read_text()
    if fence:
        for name in ("n1", "n2"):
            agent = f"{{agent: command, command: [{fence}, {name}]}}"
            text = text.replace(f"{{name: {name},", f"{{name: {name}, fence: {agent},")
    return f"{text}platform:\n  healing: {{hosts: evacuate, proof: {proof}, reserve: 1}}\n"


def up(control: Host, text: str) -> None:
    """Bring the cloud up with this spec."""
    with placed(control, text) as place:
        onestack(control, "up", place)


@contextmanager
def placed(control: Host, text: str) -> Iterator[str]:
    """A spec in a file of the control host."""
    place = "/root/healing.yaml"
    control.run("python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", place, text)
    yield place
    control.run("rm", place)


def make(control: Host, host: str, wishes: Mapping[str, str]) -> list[str]:
    """Guests that run on a host; their ids. `wishes`: what healing does with each, by its name."""
    found = ask(control, MAKE, USER_DATA, host, json.dumps(wishes)).splitlines()
    return found[-len(wishes) :]


def running(hosts: Hosts) -> dict[str, list[str]]:
    """On which hosts each guest's QEMU runs now, or is stopped, by the guest's id."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        for ident in guests_of(host).values():
            found.setdefault(ident, []).append(host.name)
    return found


def guests_of(host: Host) -> dict[int, str]:
    """The guests' ids by the pids of their QEMUs, as the machine has them."""
    found = {}
    for pid in host.pids() if host.runs else ():
        words = processes.words(pid)
        if words.partition(" ")[0].rpartition("/")[2].startswith("qemu-system") and " -uuid " in words:
            found[pid] = words.split(" -uuid ")[1].split()[0]
    return found


def healing(control: Host, *words: str) -> Any:
    return json.loads(onestack(control, "healing", *words, "--json", check=False))


def all_serve(control: Host) -> None:
    """Wait until every compute host may run guests."""

    def poll() -> tuple[bool, str]:
        found = healing(control, "status")["hosts"]
        done = all(
            each["state"] == "serving" and not each["fenced"] and not each["returning"] for each in found
        )
        return done and bool(found), json.dumps(found)

    until("all hosts to serve", poll, seconds=SECONDS, every=0.5)


def healed(hosts: Hosts, control: Host, before: int, frozen: str = "") -> dict[str, Any]:
    """Wait until a loss is dealt with; what the history says of it. `before`: how many events there were.

    Meanwhile, no guest may run on two hosts. Raises AssertionError where one does. `frozen`: a host on which none
    runs, since all of its processes are stopped.
    """
    found: list[dict[str, Any]] = []

    def poll() -> tuple[bool, str]:
        nonlocal found
        once(hosts, frozen)
        found = healing(control, "history")[before:]
        return bool(found) and found[-1]["ended"] is not None, json.dumps(found)

    until("the loss to be dealt with", poll, seconds=SECONDS, every=0.2)
    return found[-1]


def answered(control: Host, event: int) -> list[dict[str, Any]]:
    """Wait until each guest that an event moved was seen to answer; what it says of them. `event`: its number."""
    moved: list[dict[str, Any]] = []

    def poll() -> tuple[bool, str]:
        nonlocal moved
        moved = healing(control, "history")[event]["moved"]
        return all(each["seen"] for each in moved), json.dumps(moved)

    until("the guests to be seen to answer", poll, seconds=SECONDS, every=0.5)
    assert all(each["answered"] is not None for each in moved), moved
    return moved


def once(hosts: Hosts, frozen: str = "") -> None:
    """No guest runs on two hosts. Raises AssertionError."""
    twice = {ident: there for ident, there in running(hosts).items() if len({*there} - {frozen}) > 1}
    assert not twice, twice
