"""The operations of a spec on a running cloud: plan, apply, drift, destroy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from onestack import capacity
from onestack.autoscaling import queries
from onestack.capacity.model import Placement
from onestack.core import wait
from onestack.core.errors import BadInput, PermanentError, Unready
from onestack.core.events import Emit, silent, step
from onestack.health import why
from onestack.host.lock import abandoned, held
from onestack.observe import gateway
from onestack.observe.prometheus import Prometheus
from onestack.platform import connect, inventories
from onestack.platform.hosts import giving, room
from onestack.platform.site import Site
from onestack.platform.watchers import begin_scaling
from onestack.spec import BadSpec, Diagnostic, Spec, local_volumes
from onestack.workloads import export
from onestack.workloads.apply import Failure, Outcome, run
from onestack.workloads.approval import Approve, approved, plan_again
from onestack.workloads.export import Export
from onestack.workloads.kind.scope import tenant_path
from onestack.workloads.openstack.provider import OpenStack
from onestack.workloads.openstack.reach import Reach
from onestack.workloads.openstack.rest import Access
from onestack.workloads.passwords import Passwords
from onestack.workloads.plan import Plan, Wanted, make
from onestack.workloads.plan.model import Change
from onestack.workloads.plan.values import Address
from onestack.workloads.resources.attachment import Attachments
from onestack.workloads.wanted import read_files, wanted

SETTLE_SECONDS = 30.0
MOST_EXPLAINED = 5
"""How many failures are diagnosed: a server takes some requests for each host, and most fail for the same reason."""
_EXPLAINED = {"server": "server", "volume": "volume", "load balancer": "balancer"}
"""What `onestack why` calls the kinds that are diagnosed."""


class ApplyFailed(PermanentError):
    """Some changes failed; `outcome` has all causes, each once."""

    def __init__(self, outcome: Outcome) -> None:
        first = outcome.failures[0]
        many = len(outcome.failures)
        super().__init__(
            f"{many} of the changes could not be made" if many > 1 else "a change could not be made",
            detail="\n".join(
                f"{failure.place or ''} {failure.action} {failure.address}: {failure.error.summary}"
                f" ({failure.error.where})".strip()
                for failure in outcome.failures
            ),
            where=first.place if first.place and first.place.line else str(first.error.where or ""),
            hint="fix the cause and apply again: completed changes stay"
            + (f"; {len(outcome.undone)} more changes wait for it" if outcome.undone else ""),
        )
        self.outcome = outcome


class Workloads:
    """The part of a spec that is not the platform, in a running cloud."""

    def __init__(self, site: Site, spec: Spec) -> None:
        self.site = site
        self.spec = spec
        self._access = Access(
            lambda project, user=None, password=None: connect.connection(
                site, project_id=project, user_id=user, password=password
            )
        )
        self._passwords = passwords = Passwords(site.paths.etc / "passwords")
        self._cloud = OpenStack(
            self._access,
            site.spec.platform.services,
            owner=spec.name,
            secret=passwords.of,
            keep=passwords.keep,
        )

    def plan(
        self,
        *,
        prune: bool = False,
        adopt: bool = False,
        force: bool = False,
        joining: bool = False,
        emit: Emit = silent,
    ) -> Plan:
        """The plan. `force`: even if the hosts lack the capacity, or servers are not where their volumes are.
        `joining`: count hosts of the spec that are not in the cloud yet, too; the plan's notes say which. Raises
        BadSpec if the cloud conflicts with the spec, BadInput if it lacks the capacity."""
        everything = read_files(wanted(self.spec), Path(self.spec.file).parent)
        self._require_services(everything)
        self._require_answers(emit)
        plan = self._compare(everything, prune=prune, adopt=adopt, emit=emit)
        more = any(change.address.kind == "server" for change in plan.of("create", "replace"))
        if not force and (more or self._reserve):
            plan = replace(plan, notes=self._require_room(plan, joining))
        if not force:
            self._require_reach(plan)
        return plan

    def removal(self, emit: Emit = silent) -> Plan:
        """The plan of `destroy`: delete all resources that this spec created."""
        return self._compare((), prune=True, adopt=False, emit=emit)

    def export(self, *, tenant: str | None, addresses: bool, emit: Emit) -> Export:
        """What exists, as a spec. Raises BadInput."""
        site, passwords = self.site, self._passwords
        cloud = OpenStack(
            self._access,
            site.spec.platform.services,
            owner="",
            secret=passwords.of,
            keep=passwords.keep,
            reach=Reach(strict=tenant is not None),
        )
        return export.of(
            cloud,
            name=site.spec.name,
            tenant=tenant,
            account=str(self._admin().current_user_id),
            addresses=addresses,
            unlisted={"volume_types": [each.name for each in site.spec.platform.backends]},
            own_cloud=True,
            emit=emit,
        )

    def apply(self, plan: Plan, emit: Emit = silent) -> Outcome:
        """Apply a plan. Only one at a time: raises Busy, with the lock's holder."""
        if any(
            change.address.kind == "scaling group" and change.action != "delete" for change in plan.changes
        ):
            begin_scaling(self.site)
        with self.alone("apply"):
            outcome = self._explained(run(plan, self._cloud, emit))
        # Passwords may be among what it has made.
        giving.give(self.site, emit)
        return outcome

    def _explained(self, outcome: Outcome) -> Outcome:
        """The outcome, with a diagnosis of what was created and failed."""
        reported = [
            self._why(failure, outcome.ids.get(failure.address)) if number < MOST_EXPLAINED else failure
            for number, failure in enumerate(outcome.failures)
        ]
        return replace(outcome, failures=reported)

    def _why(self, failure: Failure, ident: str | None) -> Failure:
        kind = _EXPLAINED.get(failure.address.kind)
        if kind is None or failure.action == "delete" or ident is None:
            return failure
        verdict = why.verdict(self.site, self._admin(), kind, ident)
        if not verdict:
            return failure
        error = failure.error
        summary = PermanentError(
            f"{error.summary.strip().rstrip('.')}: {verdict}",
            detail=error.detail,
            where=error.where,
            hint=f"onestack why {kind} {ident}",
        )
        return replace(failure, error=summary)

    def apply_approved(
        self, approve: Approve, *, prune: bool, adopt: bool, force: bool, emit: Emit = silent
    ) -> Outcome:
        """Plan, ask for approval, and apply. Raises what `approve` raises, BadInput, Busy."""
        needed = approved(
            lambda: self.plan(prune=prune, adopt=adopt, force=force, emit=emit),
            approve,
        )
        return self.apply(needed, emit)

    def apply_written(self, written: dict[str, Any], emit: Emit = silent) -> Outcome:
        """Apply a plan that was written down. Raises BadInput if it is stale."""
        return self.apply(plan_again(written, self.plan, emit), emit)

    def alone(self, purpose: str) -> AbstractContextManager[Any]:
        """The lock that lets only one command change a cloud's resources at a time."""
        return held(self._lock_file, f"onestack {purpose}")

    @property
    def _lock_file(self) -> Path:
        return self.site.paths.run / "apply.lock"

    def _await_in_flight(self, emit: Emit) -> None:
        """After a killed apply: wait until the services have answered its in-flight requests.

        Resources that they still create would be missing from the observation, and would be created twice.
        """
        if not abandoned(self._lock_file):
            return
        try:
            busy = gateway.in_flight(self.site)
        except OSError:
            return  # without the API gateway no request is in flight; the observation will fail and report that

        def poll() -> tuple[bool, str]:
            # It suffices that each service was idle once: other clients may send requests meanwhile.
            busy.intersection_update(gateway.in_flight(self.site))
            return not busy, ", ".join(sorted(busy)) + " busy"

        with (
            held(self._lock_file, "onestack plan", seconds=SETTLE_SECONDS),
            step("wait for in-flight requests", emit) as at,
        ):
            try:
                wait.until("the services to answer in-flight requests", poll, seconds=SETTLE_SECONDS)
            except (Unready, OSError) as error:
                # Other clients keep the services busy, perhaps with a long upload; or the gateway ended.
                at.outcome = str(error)

    def _compare(self, everything: Iterable[Wanted], *, prune: bool, adopt: bool, emit: Emit) -> Plan:
        listed = list(everything)
        self._await_in_flight(emit)
        with step("collect resources", emit) as at:
            observed = self._cloud.observe(listed)
            at.outcome = f"{len(observed)} found"
        return make(listed, observed, self._cloud.kinds, owner=self.spec.name, prune=prune, adopt=adopt)

    def _admin(self) -> Connection:
        """The administrator's connection, which is authenticated already."""
        return self._access.administrator()

    def _require_room(self, plan: Plan, joining: bool) -> tuple[str, ...]:
        """Refuse a spec that provably does not fit on the hosts, in their availability zones. Returns notes on what
        was assumed of hosts.

        `joining`: the spec's hosts that are not in the cloud yet count, too.
        """
        zones = capacity.zones(self.spec)
        ours = {(each.tenant, each.name) for each in capacity.demands(self.spec)}
        known = [
            ident
            for address, ident in plan.present.items()
            if address.kind == "server" and (address.path[0].partition("@")[0], address.path[-1]) in ours
        ]
        found = inventories.hosts(self._admin(), known=known)
        present = {each.name for each in self.site.hosts}
        waiting = [each.name for each in self.spec.hosts if each.name not in present]
        notes: tuple[str, ...] = ()
        if joining and waiting:
            paths = self.site.paths
            counted = room.running(paths, self.spec, self._admin(), found, ask=room.over_ssh(paths))
            found, notes = counted.hosts, counted.notes
        hosts = [replace(host, zone=zones.get(host.name, host.zone)) for host in found]
        report = capacity.check(self.spec, hosts, "Placement's inventories")
        if report.verdict == "cannot fit":
            hint = "`onestack capacity` shows the details; --force continues nevertheless"
            if waiting and not joining:
                hint = (
                    f"`onestack up` takes on {', '.join(waiting)}, which the cloud does not have yet; {hint}"
                )
            raise BadInput(
                f"the servers do not fit on the hosts: {report.why_not()}", where=self.spec.file, hint=hint
            )
        if self._reserve and report.placement is not None:
            require_reserve(self.spec, hosts, report.placement)
        return notes

    @property
    def _reserve(self) -> int:
        """How many hosts' loss healing must be able to heal."""
        return self.spec.platform.healing.reserve if self.spec.platform.heals else 0

    def _require_reach(self, plan: Plan) -> None:
        """Refuse to attach volumes that one host stores to servers that run on another one."""
        wrong = []
        for change, volume, server, ident, host in stored_elsewhere(self.spec, plan):
            there = self._admin().compute.get_server(ident).compute_host
            if there and there != host:
                move = f"openstack server migrate --live-migration --host {host} {ident}"
                wrong.append(
                    Diagnostic(
                        "error",
                        f"{server} runs on {there}, and the volume '{volume}' is stored on {host}: only servers on "
                        f"{host} can use it",
                        "",
                        change.place,
                        f"`onestack exec {move}` moves the server; or use {local_volumes.SHARED}",
                    )
                )
        if wrong:
            raise BadSpec("servers are not on the host that stores their volumes", wrong)

    def _require_services(self, everything: Iterable[Wanted]) -> None:
        wrong = {}
        for one in self._cloud.missing(everything):
            service = self._cloud.kinds[one.address.kind].service
            summary = f"{one.address} needs the service '{service}', which this cloud does not run"
            wrong[one.place] = Diagnostic(
                "error", summary, "", one.place, f"add {service} to platform.services"
            )
        if wrong:
            raise BadSpec("the cloud lacks a service", wrong.values())

    def _require_answers(self, emit: Emit) -> None:
        """Refuse a scaling policy whose query this cloud's Prometheus refuses."""
        check = Prometheus(self.site).check if self.site.spec.monitored else None
        if wrong := queries.wrong(self.spec, check, emit):
            raise BadSpec("the query of a scaling policy cannot be evaluated", wrong)


def require_reserve(spec: Spec, hosts: Sequence[capacity.Host], placement: Placement) -> None:
    """Refuse a spec whose guests do not fit after the loss of as many hosts as healing's reserve says."""
    found = capacity.reserve.of_spec(spec, hosts, placement)
    if not found.holds:
        number = found.loss.hosts
        raise BadInput(
            f"the reserve of {number} host{'s' * (number != 1)} does not hold: {found.why_not()}",
            detail="\n".join(found.lines()),
            where=spec.file,
            hint="more hosts, smaller guests, a smaller platform.healing.reserve, or `healing: leave` for servers"
            " that may stay away; --force continues nevertheless",
        )


def stored_elsewhere(spec: Spec, plan: Plan) -> Iterator[tuple[Change, str, Address, str, str]]:
    """Attachments to be made of volumes that one host stores, to servers that exist: the change, the volume's name,
    the server with its id, and the host."""
    tenants = {tenant_path(each.name, each.domain): each for each in spec.tenants}
    made = {each.address for each in plan.of("create", "replace")}
    for change in plan.of("create"):
        if change.address.kind != Attachments.name or change.wanted is None:
            continue
        server, volume = change.wanted.needs[:2]
        if (ident := plan.present.get(server)) is None or server in made:
            continue
        tenant = tenants.get(server.path[:-1])
        if tenant and (host := spec.volume_host(tenant, volume.path[-1])):
            yield change, volume.path[-1], server, ident, host


def any_in(spec: Spec) -> bool:
    """Whether a spec contains anything besides the platform."""
    return bool(wanted(spec))
