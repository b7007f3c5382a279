"""What every host of a spec has, and what keeps `up` from working there. Changes nothing on any of them."""

from __future__ import annotations

import time
from collections.abc import Mapping

from onestack.core.errors import OneStackError
from onestack.core.graph import on_each
from onestack.core.paths import Paths
from onestack.host import doctor, preflight
from onestack.host.machine import LocalMachine, RemoteMachine, ssh
from onestack.platform import up
from onestack.platform.hosts import clocks, cluster, joining, known
from onestack.platform.hosts.remote import address
from onestack.spec import Diagnostic, Spec
from onestack.spec.model import Host


def examine(paths: Paths, spec: Spec) -> Mapping[str, doctor.Report]:
    """A report for each host of a spec of several, in the spec's order. Raises BadInput.

    A host that cannot be reached has a report with that as its only finding.
    """
    cluster.require_same_control_host(paths, spec)
    lead = cluster.here(spec)
    judge = joining.Joining(paths, spec, joining.read(LocalMachine(), paths))
    found: dict[str, doctor.Report] = {}

    def one(host: Host) -> None:
        if host.name == lead:
            found[host.name] = up.examine(paths, spec, lead)
        else:
            found[host.name] = _other(paths, spec, host, judge)

    on_each(spec.hosts, one)
    return {each.name: found[each.name] for each in spec.hosts}


def _other(paths: Paths, spec: Spec, host: Host, judge: joining.Joining) -> doctor.Report:
    place = spec.place_of("hosts", spec.hosts.index(host), "address")
    try:
        with RemoteMachine(host.name, ssh.command(address(host))) as machine:
            judge.require_host(machine, host)
            gathered = machine.facts(preflight.disks(paths))
            before = time.time()
            clock = float(machine.run(["date", "+%s.%N"]).output)
            off = clocks.difference(clock, before, time.time())
            mine = _own(paths, machine)
    except OneStackError as error:
        reason = ". ".join(filter(None, [error.summary, error.detail.strip()]))
        return doctor.Report((), (), (), (Diagnostic("error", reason, place=place, hint=error.hint),))
    report = doctor.examine_other(paths, spec, gathered, host.name, own=mine)
    if not (late := clocks.complaint(host.name, off)):
        return report
    found = Diagnostic("error", late, f"at most {clocks.SECONDS:.0f} s", place, clocks.HINT)
    return doctor.Report(report.machine, report.choices, report.cloud, (found, *report.findings))


def _own(paths: Paths, machine: RemoteMachine) -> preflight.Own:
    """What the host's part of this cloud has there already."""
    here = known.load(paths)
    there = machine.read_file(known.file(paths))
    if here is None or there is None or known.of_json(there).leader != here.leader:
        return preflight.Own()
    processes = frozenset(each.pid for each in machine.processes(paths.run))
    return preflight.Own(True, processes, frozenset(preflight.INTERFACES))
