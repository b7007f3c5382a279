"""Whether the machine that answers at a host's address may be that host: the same system as here, nothing of another
cloud, and what the cloud has put there before.

Without this, an address that was given to another machine would have that machine's cloud changed, or destroyed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.host import proc
from onestack.host.machine import Machine
from onestack.platform import site
from onestack.platform.choices import choices_file
from onestack.platform.hosts import known, tool
from onestack.spec import BadSpec, Host, Spec, loads

OS_RELEASE = Path("/etc/os-release")


@dataclass(frozen=True)
class Part:
    """What a machine has of a cloud. `host`: what it is called there, None: it has nothing of any. `spec`: the text
    of the stored spec. `authority`: the certificate of the cloud's CA. `system`: its operating system, in words."""

    system: str
    host: str | None = None
    hosts: known.Hosts | None = None
    spec: str = ""
    authority: bytes | None = None


def read(machine: Machine, paths: Paths) -> Part:
    """What a machine has."""
    choices = machine.read_file(choices_file(paths))
    hosts = machine.read_file(known.file(paths))
    release = proc.os_release((machine.read_file(OS_RELEASE) or b"").decode(errors="replace"))
    return Part(
        f"{release.get('ID', 'unknown')} {release.get('VERSION_ID', '')}".strip(),
        json.loads(choices)["host"] if choices else None,
        known.of_json(hosts) if hosts else None,
        (machine.read_file(site.spec_file(paths)) or b"").decode(errors="replace"),
        machine.read_file(paths.etc / "tls/ca.pem"),
    )


class Joining:
    """Judges the machines at the addresses of a spec's hosts, for the cloud that this machine leads."""

    def __init__(self, paths: Paths, spec: Spec, mine: Part) -> None:
        self._paths = paths
        self._spec = spec
        self._mine = mine

    def require_host(self, machine: Machine, host: Host) -> None:
        """Raises BadInput where the machine cannot be this host of the cloud."""
        self._raise(self.obstacle(host, found := read(machine, self._paths)), host, machine, found)

    def require_not_anothers(self, machine: Machine, host: Host) -> None:
        """Raises BadInput where the machine has a part of another cloud: nothing there may be stopped or removed."""
        self._raise(self.anothers(host, found := read(machine, self._paths)), host, machine, found)

    def obstacle(self, host: Host, found: Part) -> BadInput | None:
        """Why the machine cannot be this host."""
        return self.another_system(host, found) or self.anothers(host, found) or self.nobody(host, found)

    def another_system(self, host: Host, found: Part) -> BadInput | None:
        if found.system == self._mine.system:
            return None
        return BadInput(
            f"{host.name} runs {found.system}, this host {self._mine.system}",
            hint="all hosts of a cloud need the same Debian or Ubuntu release",
        )

    def anothers(self, host: Host, found: Part) -> BadInput | None:
        """Why the machine is no host of this cloud, or another one of its hosts."""
        if found.host is None:
            return None
        if found.hosts is None:
            if not self._is_cut_off(found):
                return BadInput(f"the machine at {host.address} has a cloud of its own")
        elif self._is_foreign(found, found.hosts):
            leader = found.hosts.leader
            what = "is the control host" if leader == found.host else f"is {found.host}"
            return BadInput(
                f"the machine at {host.address} {what} of another cloud, or of an earlier one"
                + ("" if leader == found.host else f" (its control host: {leader})")
            )
        if found.host == host.name:
            return None
        return BadInput(
            f"the machine at {host.address} is {found.host} in this cloud, not {host.name}",
            hint="a host keeps its name: correct the address, or the name",
        )

    def nobody(self, host: Host, found: Part) -> BadInput | None:
        """Why the machine is not the one that was this host before."""
        before = self._mine.hosts.hosts if self._mine.hosts else ()
        if found.host is not None or host.name not in [each.name for each in before]:
            return None
        return BadInput(
            f"the machine at {host.address} has nothing of this cloud, of which {host.name} is a host:"
            " it is another machine, or was installed anew",
            hint=f"correct the address; or, if {host.name} is lost, delete or evacuate its guests and run"
            f" {self._way_out(host)}",
        )

    @staticmethod
    def _way_out(host: Host) -> str:
        if "control" in host.roles:
            return (
                f"`onestack host replace {host.name} --with HOST`: the machine is taken on under another name"
            )
        return f"`onestack host remove {host.name}`: then `up` takes it on anew"

    def _is_foreign(self, found: Part, hosts: known.Hosts) -> bool:
        # Who has the list of hosts has it from a control host that has a CA.
        if self._mine.authority is None or found.authority is not None:
            return found.authority != self._mine.authority or self._mine.authority is None
        leader = [each.address for each in hosts.hosts if each.name == hosts.leader]
        return hosts.leader == found.host or leader != [str(self._spec.control_hosts[0].address)]

    def _is_cut_off(self, found: Part) -> bool:
        """Whether it is from an `up` of this cloud that ended before the host had heard of the others."""
        try:
            stored = loads(found.spec, "cloud.yaml")
        except BadSpec:
            return False
        lead = stored.control_hosts[0] if stored.control_hosts else None
        names = [each.name for each in stored.hosts if each is not lead]
        return (
            lead is not None and lead.address == self._spec.control_hosts[0].address and (found.host in names)
        )

    def _raise(self, wrong: BadInput | None, host: Host, machine: Machine, found: Part) -> None:
        if wrong is None:
            return
        index = [each.name for each in self._spec.hosts].index(host.name)
        wrong.where = self._spec.place_of("hosts", index, "address")
        wrong.hint = wrong.hint or "; ".join(
            ["correct the address", *_removal(machine, self._paths, str(host.address))]
        )
        raise wrong


def _removal(machine: Machine, paths: Paths, address: str) -> list[str]:
    """How what is there is removed, where there is the tool for it."""
    if (there := tool.newest(machine, paths)) is None:
        return ["or run `onestack destroy` there, if that cloud is not needed"]
    return [f"or, if that cloud is not needed: ssh {address} {there.python} -m onestack.cli destroy --yes"]
