"""A cloud as Python sees it: what the commands do, as calls. The command line is a thin view of this."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from openstack.connection import Connection

from onestack import capacity as sizing
from onestack.autoscaling.groups import ScalingGroups
from onestack.capacity import Report as CapacityReport
from onestack.core import contract
from onestack.core.events import Emit, silent
from onestack.core.graph import on_each
from onestack.core.paths import Paths
from onestack.health import merged_logs, status, verify, volumes
from onestack.health.backup.operations import Backups
from onestack.health.healing.operations import Healing
from onestack.health.securing.operations import Securing
from onestack.health.status import Status
from onestack.health.upgrade.operations import Upgrading
from onestack.health.verify import Report, SmokeReport, SuiteReport, suites
from onestack.health.why import Diagnosis, explain
from onestack.host import doctor, hardware
from onestack.host.lock import held
from onestack.host.machine import keys
from onestack.host.netns import Network
from onestack.observe.operations import Observing
from onestack.platform import bringup, connect, inventories, site, takedown, up
from onestack.platform.balancing import Balancing
from onestack.platform.choices import choices_file
from onestack.platform.hosts import cluster, control_hosts, giving, leaving, room, standing
from onestack.platform.hosts.examine import examine
from onestack.platform.hosts.operations import Hosts
from onestack.platform.hosts.recovery import Recovering
from onestack.platform.hosts.room import Room
from onestack.platform.site import Site
from onestack.spec import Spec
from onestack.spec import load as load_spec
from onestack.spec import loads as load_spec_text
from onestack.workloads import operations, parts
from onestack.workloads.apply import Outcome
from onestack.workloads.approval import Approve, unasked
from onestack.workloads.export import Export
from onestack.workloads.operations import ApplyFailed, Workloads
from onestack.workloads.plan import Plan

Result = TypeVar("Result")


class Cloud:
    """One cloud of this machine. Every long call takes `emit`, which hears its events."""

    def __init__(self, root: str | Path = "/", *, cache: str | Path | None = None) -> None:
        self.paths = Paths.at(root, cache)
        self._spec: Spec | None = None

    @classmethod
    def load(cls, spec: str | Path, root: str | Path = "/", *, cache: str | Path | None = None) -> Cloud:
        """The cloud under `root`, with the spec that its calls are about unless they name another."""
        cloud = cls(root, cache=cache)
        cloud._spec = load_spec(spec)
        return cloud

    @property
    def exists(self) -> bool:
        """Whether a cloud was brought up under this root (it may be stopped)."""
        return choices_file(self.paths).exists()

    @property
    def site(self) -> Site:
        """Its parts; BadInput when there is none."""
        return site.load(self.paths)

    def up(
        self,
        spec: Spec | str | Path | None = None,
        *,
        emit: Emit = silent,
        mirror: str | None = None,
        wait: float = 0.0,
        force: bool = False,
        approve: Approve = unasked,
        leave_unreachable: bool = False,
    ) -> Site:
        """Bring the cloud up, or bring back what does not run; with a spec, all that it wants in it too.

        `spec`: what is wanted; without it that of the last time, or the default. `wait`: seconds to wait
        for another command that holds the cloud. `force`: go on where a check only advises against it.
        `approve`: sees the plan of what is wanted in the cloud before it is done. `leave_unreachable`: go on without
        those of the cloud's hosts that cannot be reached, or on which another command works.
        Raises BadInput, Busy, PermanentError, Unready, ApplyFailed.
        """
        spec = spec or self._spec
        if spec is None and cluster.is_led_elsewhere(self.paths):
            with self._held("up", wait):
                bringup.bring_back(self.site, emit)
            return self.site
        wanted, text = self._wanted(spec)
        cluster.require_same_control_host(self.paths, wanted)
        control_hosts.require(self.paths, wanted)
        cluster.require_all_hosts(self.paths, wanted)
        cluster.require_roles(self.paths, wanted)
        standing.require_still_leads(self.paths)
        up.check(self.paths, wanted, emit, force=force, mirror=mirror, host=cluster.here(wanted))
        joined = cluster.joined(self.paths, wanted, "up", emit, wait, leave_unreachable=leave_unreachable)
        with self._held("up", wait), joined as others:
            found = up.up(self.paths, wanted, text, emit, mirror=mirror, others=others, force=force)
        if spec is not None and operations.any_in(wanted):
            outcome = self.apply(spec=wanted, emit=emit, approve=approve)
            if not outcome.ok:
                raise ApplyFailed(outcome)
        giving.give(found, emit)
        return found

    def down(
        self,
        *,
        emit: Emit = silent,
        keep_guests: bool = False,
        wait: float = 0.0,
        leave_unreachable: bool = False,
        this_host: bool = False,
    ) -> None:
        """Stop it in order; all data stays. `this_host`: only what runs here, as at this host's shutdown."""
        if this_host:
            with self._held("down", wait):
                takedown.down(self.paths, emit, keep_guests=keep_guests)
            return
        there = cluster.others(self.paths, "down", emit, wait, leave_unreachable=leave_unreachable)
        with self._held("down", wait), there as others:
            takedown.end_guests_first(self.paths, others, emit, keep_guests=keep_guests)
            on_each(others, lambda host: host.down(emit, keep_guests=keep_guests))
            takedown.down(self.paths, emit, keep_guests=keep_guests)

    def destroy(
        self,
        *,
        emit: Emit = silent,
        purge: bool = False,
        wait: float = 0.0,
        leave_unreachable: bool = False,
    ) -> list[str]:
        """Take it away: returns the folders that were removed. `purge`: the cache too."""
        there = cluster.others(self.paths, "destroy", emit, wait, leave_unreachable=leave_unreachable)
        with self._held("destroy", wait), there as others:
            on_each(others, lambda host: host.destroy(emit, purge=purge))
            removed = takedown.destroy(self.paths, emit, purge=purge)
        self.paths.lock.unlink(missing_ok=True)
        if not self.paths.is_default:
            takedown.remove_empty_parents(self.paths)
        return removed

    def status(self) -> Status:
        """How every process, worker and agent is."""
        return status.examine(self.site)

    def logs(
        self,
        service: str | None = None,
        *,
        host: str | None = None,
        follow: bool = False,
        since: str | None = None,
        lines: int = 100,
        request: str | None = None,
    ) -> Iterator[tuple[str, str]]:
        """(process, line) of what was written; `since`: an age or a moment; `request`: all about one, by its id."""
        yield from merged_logs.lines(self.paths, service, host, since, lines, follow, request)

    def doctor_of_hosts(self, spec: Spec | str | Path | None = None) -> Mapping[str, doctor.Report]:
        """What each host of a spec of several has; empty for a spec of one. Changes nothing."""
        wanted = self._wanted(spec)[0]
        return examine(self.paths, wanted) if len(wanted.hosts) > 1 else {}

    def doctor(self, spec: Spec | str | Path | None = None) -> doctor.Report:
        """What this machine has, and what would be chosen because of it. Changes nothing."""
        return up.examine(self.paths, self._wanted(spec)[0])

    def capacity(
        self,
        spec: Spec | str | Path | None = None,
        *,
        hosts: int | None = None,
        like: tuple[int, int, int] | None = None,
    ) -> CapacityReport:
        """Whether what the spec asks for fits, what it survives, which resource binds.

        On the hosts of this cloud, by Placement's inventories, if it runs and is the spec's, and on those of the spec
        that are not in it yet. `hosts`, `like`: on so many of that size (processors, MiB, GiB) instead. Changes
        nothing.
        """
        wanted, _ = self._wanted(spec)
        there = self._hosts_for(wanted, hosts, like)
        return sizing.check(wanted, there.hosts, there.source, there.notes)

    def _hosts_for(self, spec: Spec, number: int | None, like: tuple[int, int, int] | None) -> Room:
        if number is not None or like is not None:
            fake = sizing.fake_hosts(spec)
            size = like or (contract.FAKE_HOST_SIZE if fake else hardware.size(self.paths.lib))
            many = number or len(fake) or sum("compute" in each.roles for each in spec.hosts) or 1
            return Room(sizing.supposed(spec, many, size), "as asked")
        ask = room.over_ssh(self.paths) if os.geteuid() == 0 else None
        if not self._runs(spec):
            return room.of_spec(self.paths, spec, ask=ask)
        ours = frozenset((each.tenant, each.name) for each in sizing.demands(spec))
        return room.running(
            self.paths, spec, self.connect(), inventories.hosts(self.connect(), ours), ask=ask
        )

    def _runs(self, spec: Spec) -> bool:
        """Whether the cloud under this root is the spec's and can be asked; only root may look."""
        if os.geteuid() != 0 or not self.exists or self.site.spec.name != spec.name:
            return False
        return self.status().health != "not running"

    def verify(self, *, emit: Emit = silent) -> Report:
        """Try the cloud from end to end as two throw-away tenants."""
        return verify.verify_quick(self.site, emit)

    def verify_tempest(
        self, *, emit: Emit = silent, concurrency: int = 2, tests: str | None = None
    ) -> SmokeReport:
        """Run Tempest's smoke tests, or those whose names the regular expression `tests` is found in."""
        return verify.verify_tempest(self.site, emit, concurrency=concurrency, tests=tests)

    def verify_suite(
        self, name: str, *, emit: Emit = silent, only: str | None = None, concurrency: int = 2
    ) -> SuiteReport:
        """Run a suite of tests that upstream publishes; `only`: a regular expression for their names."""
        return suites.verify(self.site, name, emit, only=only, concurrency=concurrency)

    def plan(
        self,
        spec: Spec | str | Path | None = None,
        *,
        prune: bool = False,
        adopt: bool = False,
        force: bool = False,
        emit: Emit = silent,
    ) -> Plan:
        """What would change in the running cloud so that it is what the spec says. Changes nothing.

        `prune`: what the spec made and no longer holds is deleted. `adopt`: what is there under a wanted name
        is taken over. `force`: even what the hosts cannot carry. Raises BadInput, BadSpec.
        """
        return self._work(
            spec, lambda work: work.plan(prune=prune, adopt=adopt, force=force, joining=True, emit=emit)
        )

    def drift(self, spec: Spec | str | Path | None = None, *, emit: Emit = silent) -> Plan:
        """What somebody changed by hand, as the plan that would undo it."""
        return self.plan(spec, force=True, emit=emit)

    def removal(self, spec: Spec | str | Path | None = None, *, emit: Emit = silent) -> Plan:
        """The plan that deletes all resources that the spec created; the platform stays."""
        return self._work(spec, lambda work: work.removal(emit))

    def apply(
        self,
        plan: Plan | None = None,
        *,
        spec: Spec | str | Path | None = None,
        prune: bool = False,
        adopt: bool = False,
        force: bool = False,
        emit: Emit = silent,
        approve: Approve = unasked,
    ) -> Outcome:
        """Do a plan, or what is needed now if `approve` lets it. Failures are in the outcome. Raises Busy."""

        def body(work: Workloads) -> Outcome:
            if plan is not None:
                return work.apply(plan, emit)
            return work.apply_approved(approve, prune=prune, adopt=adopt, force=force, emit=emit)

        return self._work(spec, body)

    def apply_written(self, written: dict[str, Any], *, emit: Emit = silent) -> Outcome:
        """Do a plan that was written down. Raises BadInput when it is no longer what would be done."""
        made = written["made_from"]["spec"]
        spec = load_spec_text(made["text"], made["file"])
        return self._work(spec, lambda work: work.apply_written(written, emit))

    def export(self, *, tenant: str | None = None, addresses: bool = False, emit: Emit = silent) -> Export:
        """What exists, as a spec. `addresses`: fixed IP addresses of servers and balancers, too. Raises BadInput."""
        work = Workloads(self.site, self.site.spec)
        return work.export(tenant=tenant, addresses=addresses, emit=emit)

    def _work(self, spec: Spec | str | Path | None, body: Callable[[Workloads], Result]) -> Result:
        wanted = load_spec(spec) if isinstance(spec, (str, Path)) else spec or self._spec
        return body(Workloads(self.site, parts.own(wanted or self._wanted(None)[0])))

    @property
    def balancing(self) -> Balancing:
        """Its balancers and their certificates."""
        return Balancing(self.site)

    @property
    def scaling_groups(self) -> ScalingGroups:
        """Its scaling groups."""
        return ScalingGroups(self.site)

    def backups(self, place: Path | None = None, key: str | None = None) -> Backups:
        """Its backups; see `Backups`."""
        return Backups(self.paths, place, key)

    @property
    def healing(self) -> Healing:
        """What happens to the guests of a lost host."""
        return Healing(self.site)

    @property
    def upgrading(self) -> Upgrading:
        """Its way to another release, and back."""
        return Upgrading(self.paths)

    @property
    def hosts(self) -> Hosts:
        """Its hosts."""
        return Hosts(self.site)

    @property
    def recovering(self) -> Recovering:
        """What goes on after the loss of a majority of its control hosts."""
        return Recovering(self.paths, self.up)

    def remove_host(
        self, name: str, *, emit: Emit = silent, wait: float = 0.0, leave_unreachable: bool = False
    ) -> None:
        """Empty a host, take it out of the cloud, and leave it as it was before; also a lost one
        (`leave_unreachable`, as in `up`). Raises BadInput, PermanentError."""
        leaving.remove(self.paths, name, emit, wait=wait, leave_unreachable=leave_unreachable)
        # The others are told, and what was for several hosts ends with the last of them.
        self.up(emit=emit, wait=wait, leave_unreachable=leave_unreachable)

    def replace_host(self, name: str, other: str, spec: str | Path, emit: Emit = silent, **way: Any) -> None:
        """Have `other`, which the spec has in its place, become a control host instead of `name`, which may be lost.
        `way`: `wait` and `leave_unreachable`, as in `up`. Raises BadInput, PermanentError."""
        leaving.replace(self.paths, *self._wanted(spec), name, other, emit, **way)
        self.up(emit=emit, **way)

    def public_key(self) -> str:
        """The line for a host's authorized_keys: root's own public key, which is made if there is none."""
        return keys.public_key(Path.home() / ".ssh")

    def check_volumes(self, *, emit: Emit = silent, repair: bool = True) -> volumes.Outcome:
        """Is every volume consistent? What is not is repaired, unless `repair` is off."""
        return volumes.check(self.site, emit, repair=repair)

    def why(self, kind: str, word: str, project: str | None = None, server: str | None = None) -> Diagnosis:
        """What stands in the way of a server, volume, port or balancer; see `explain`. Raises BadInput."""
        return explain(self.site, self.connect(), kind, word, project, server)

    @property
    def securing(self) -> Securing:
        """Who changed what in it; its secrets."""
        return Securing(self.paths, self.up)

    @property
    def observing(self) -> Observing:
        """Its alerts, and what tenants used."""
        return Observing(self.site)

    def environment(self) -> dict[str, str]:
        """The variables that OpenStack's own tools read, as the administrator."""
        return connect.environment(self.site)

    def install_client_config(self, home: Path | None = None) -> Path:
        """Put the cloud into the user's own clouds.yaml, where OpenStack's tools find it."""
        file = (home or Path.home()) / ".config/openstack/clouds.yaml"
        connect.write_clouds_yaml(self.site, file)
        return file

    def execute(self, words: Sequence[str]) -> int:
        """Run a program (the tool brings `openstack`) in the cloud's network as administrator; its exit status."""
        return connect.execute(self.site, self.network.command(words), words[0])

    def connect(self, **who: Any) -> Connection:
        """A connection of openstacksdk's as the administrator, or as `user`, `password`, `project`."""
        return connect.connection(self.site, **who)

    @property
    def network(self) -> Network:
        """The network that its processes are in."""
        return Network.of_cloud(self.paths)

    def run(self, body: Callable[[], Result]) -> Result:
        """Call `body` in the cloud's network, for what opens connections of its own (a floating IP, a page)."""
        return self.network.call(body)

    def _wanted(self, spec: Spec | str | Path | None) -> tuple[Spec, str]:
        wanted, text = up.wanted(self.paths, spec)
        return parts.own(wanted), text

    def _held(self, purpose: str, seconds: float) -> Any:
        return held(self.paths.lock, f"onestack {purpose}", seconds=seconds)
