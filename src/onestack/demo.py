"""`demo`: creates a server that answers at a floating IP, from examples/demo.yaml by an ordinary plan and apply."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from typing import Any

from onestack.cloud import Cloud
from onestack.core import data, wait
from onestack.core.events import Emit, silent, step
from onestack.health.verify import guest
from onestack.platform import outside
from onestack.spec import Spec
from onestack.spec import load as load_spec
from onestack.workloads.apply import Outcome
from onestack.workloads.operations import ApplyFailed
from onestack.workloads.plan.values import Address

ANSWER_SECONDS = 180.0
"""The time from ACTIVE to the first answer: a guest's boot under software emulation on a busy machine, with a
margin."""
_FLOATING_IP = Address("floating ip", ("onestack-demo", "web"))


@dataclass(frozen=True)
class Demo:
    """`answer`: the server's HTTP response; empty with Nova's fake driver. `command`: repeats the request."""

    url: str
    command: str
    answer: str
    added: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def spec() -> Spec:
    """The spec of the demo."""
    return load_spec(data.folder("examples") / "demo.yaml")


def show(cloud: Cloud, emit: Emit = silent) -> Demo:
    """Create what does not exist, and wait for the server's answer. Raises ApplyFailed, Unready, BadInput, Busy."""
    outside.require_way(cloud.site)
    outcome = cloud.apply(spec=spec(), emit=emit)
    if not outcome.ok:
        raise ApplyFailed(outcome)
    address = cloud.run(lambda: cloud.connect().network.get_ip(outcome.ids[_FLOATING_IP]).floating_ip_address)
    answer = ""
    if cloud.site.spec.platform.compute.driver != "fake":
        with step("the server's answer", emit) as at:
            answer = cloud.run(lambda: _answer(address))
            at.outcome = answer
    return Demo(f"http://{address}/", _command(cloud, address), answer, outcome.added)


def remove(cloud: Cloud, emit: Emit = silent) -> Outcome:
    """Remove everything that the demo created. Failures are in the outcome."""
    wanted = spec()
    return cloud.apply(cloud.removal(wanted, emit=emit), spec=wanted, emit=emit)


def _answer(address: str) -> str:
    return wait.until(
        f"http://{address}/ to answer",
        lambda: guest.fetch(address),
        seconds=ANSWER_SECONDS,
        every=0.3,
        where="onestack logs ovn-controller; onestack logs nova",
    ).strip()


def _command(cloud: Cloud, address: str) -> str:
    """The command for a person to repeat the request: a cloud with its own network namespace is reached only inside
    it."""
    client = "curl -s" if shutil.which("curl") or not shutil.which("wget") else "wget -q -O -"
    if not cloud.site.leader.choices.isolated:
        return f"{client} http://{address}/"
    root = "" if cloud.paths.is_default else f" --root {cloud.paths.root}"
    return f"./onestack exec{root} {client} http://{address}/"
