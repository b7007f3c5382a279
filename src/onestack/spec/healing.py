"""The spec's sections on healing: what happens to the guests of a host that is lost, and how it is fenced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from onestack.language.types import (
    File,
    Int,
    IPAddress,
    Problem,
    Section,
    Text,
    example,
    pattern,
    text_schema,
)
from onestack.spec import local_volumes
from onestack.workloads.resources import server_healing

if TYPE_CHECKING:
    from onestack.spec.model import Spec
    from onestack.spec.tenants import Tenant
    from onestack.workloads.resources.server import Server

_PERCENT = "a whole percentage such as 50%"
Percent = Annotated[
    str, pattern(r"[1-9]\d?%|100%", _PERCENT), text_schema(_PERCENT, pattern=r"^([1-9]\d?|100)%$")
]


class Healing(Section):
    """Healing: guests of a compute host that is lost serve on other hosts. It takes several hosts."""

    model_config = example("""\
platform:
  healing: {hosts: evacuate, most: 50%, reserve: 1}
hosts:
  - {name: node-1, address: 192.0.2.10}
  - {name: node-2, address: 192.0.2.11, roles: [compute]}
""")

    hosts: Literal["off", "evacuate"] = "off"
    """`evacuate`: the guests of a lost host are started on other hosts, once that host is proved off."""
    most: Percent = "50%"
    """Nothing is evacuated while more than this share of the compute hosts look lost, or two or more and just this
    share: then it is the network rather than the hosts."""
    proof: Literal["fence", "lease"] = "fence"
    """What proves that a host's guests have ended. `fence`: only its fence agent's answer that the power is off, or
    an operator's word. `lease`: also that its lease has expired, before which its own agent ends its guests; this
    does not cover a host that freezes as a whole and goes on later."""
    at_once: Annotated[Int, Field(ge=1, le=64)] = 4
    """How many guests are evacuated at the same time."""
    reserve: Annotated[Int, Field(ge=0, le=100)] = 0
    """After the loss of any this many compute hosts, the guests that healing moves must fit on the others: `plan` and
    `apply` refuse a spec where they do not."""

    @property
    def share(self) -> float:
        """`most` as a share, 0 to 1."""
        return int(self.most.rstrip("%")) / 100


class Fence(Section):
    """A fence agent: a program that switches a host's power off, and sees that it is off."""

    model_config = example("""\
hosts:
  - name: node-1
    address: 192.0.2.10
    fence: {agent: redfish, address: 192.0.2.110, user: fence, password_file: /root/bmc-password}
""")

    agent: Literal["redfish", "ipmilan", "command"]
    """`redfish`, `ipmilan`: Debian's fence agents (`fence_redfish`, `fence_ipmilan`), installed on the control
    hosts. `command`: a program of yours."""
    address: IPAddress | None = None
    """The address of the host's BMC."""
    user: Text | None = None
    """The user there."""
    password_file: File | None = None
    """The file on the control hosts that has its password, and nothing else."""
    options: dict[str, Text] = Field(default_factory=dict)
    """Further options of the fence agent, by the names of its manual: `{ssl_insecure: "1"}`, `{lanplus: "1"}`."""
    command: tuple[Text, ...] = ()
    """With `agent: command`: the program on the control hosts and its arguments. It is called with one more, `off` or
    `status`, and ends with status 0 once the power is off; for `status` with 2 if it is off, with 0 if it is on."""

    def problems(self) -> Iterator[Problem]:
        by_command = self.agent == "command"
        if by_command and not self.command:
            yield Problem("no command", "command: [program, argument …]", path=("agent",))
        if not by_command and self.command:
            yield Problem(f"'command' is not for the agent {self.agent}", "agent: command", path=("command",))
        if by_command and self.options:
            yield Problem("'options' are not for a command", "leave them out", path=("options",))
        for key in ("address", "user", "password_file"):
            given = getattr(self, key) is not None
            if given and by_command:
                yield Problem(f"'{key}' is not for a command", "leave it out", path=(key,))
            if not given and not by_command:
                yield Problem(f"the agent {self.agent} needs '{key}'", f"{key}: …", path=("agent",))


def problems(spec: Spec) -> Iterator[Problem]:
    """What is wrong between healing and the hosts."""
    if not spec.platform.heals:
        return
    there = sum("compute" in each.roles for each in spec.hosts)
    if there < 2:
        yield Problem(
            "a lost host's guests need another host",
            "two hosts or more with the role 'compute', or hosts: off",
            path=("platform", "healing", "hosts"),
        )
    elif spec.platform.healing.reserve >= there:
        yield Problem(
            f"a reserve of {spec.platform.healing.reserve} leaves none of the {there} compute hosts",
            f"{there - 1} at most",
            path=("platform", "healing", "reserve"),
        )


def stays(spec: Spec, tenant: Tenant, server: Server) -> str:
    """Why a server of a tenant is not started elsewhere when its host is lost; empty if it is."""
    _, volume = local_volumes.of_server(spec, tenant, server)
    return server_healing.stays(
        server_healing.metadata(server.metadata, server.healing).get(server_healing.WISH, ""),
        by_image=server.image is not None,
        disks_elsewhere=spec.platform.storage.ceph is not None,
        volumes_here=[volume] if volume else [],
    )


def notes(spec: Spec) -> Iterator[str]:
    """What may be meant otherwise."""
    if not spec.platform.heals or spec.platform.healing.proof != "fence":
        return
    if without := [each.name for each in spec.hosts if "compute" in each.roles and each.fence is None]:
        names = ", ".join(without)
        yield (
            f"without a fence agent nothing proves that {names} is off: its guests are evacuated only when"
            " `onestack host fence NAME --off` says so"
        )
