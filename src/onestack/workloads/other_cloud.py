"""Any OpenStack cloud of clouds.yaml: plan, apply, drift, destroy and export, without root and without a local cloud.

An administrator of the cloud has what the administrator of a local one has. For other accounts a tenant of the spec
stands for a project that the account has a role in.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from onestack.core.events import Emit, silent, step
from onestack.host.lock import abandoned, held
from onestack.language.diagnostics import BadSpec, Diagnostic
from onestack.spec import Spec, load, loads
from onestack.workloads import export, rights
from onestack.workloads.apply import Outcome, run
from onestack.workloads.approval import Approve, approved, plan_again, unasked
from onestack.workloads.kind.scope import Scope, scopes
from onestack.workloads.openstack.account import Account, AccountAccess, Project
from onestack.workloads.openstack.provider import OpenStack
from onestack.workloads.openstack.reach import Reach
from onestack.workloads.openstack.usage import shares
from onestack.workloads.passwords import Passwords
from onestack.workloads.plan import Observed, Plan, Wanted, make
from onestack.workloads.wanted import read_files, wanted

SETTLE_SECONDS = 5.0
"""After an apply that was killed: how long its last requests may still be in flight. No gateway tells it here. A
service takes less than that to answer a request to create something, for it only registers what it will make."""


class OtherCloud:
    """A cloud of clouds.yaml, through one of its accounts. It has `Cloud`'s calls for tenants and what they run."""

    def __init__(self, name: str, *, account: Account | None = None, state: Path | None = None) -> None:
        """`name`: of the entry in clouds.yaml. `state`: the folder of generated passwords and of the lock, by default
        below the user's XDG_STATE_HOME. Raises BadInput."""
        self.name = name
        self.account = account or Account.named(name)
        self._state = state or _state_home() / "onestack" / name

    def plan(
        self,
        spec: Spec | str | Path,
        *,
        prune: bool = False,
        adopt: bool = False,
        force: bool = False,
        emit: Emit = silent,
    ) -> Plan:
        """What would change. `force`: even what the account's rights or quotas should forbid. Raises BadInput,
        BadSpec."""
        return self._work(spec).plan(prune=prune, adopt=adopt, force=force, emit=emit)

    def drift(self, spec: Spec | str | Path, *, emit: Emit = silent) -> Plan:
        """What somebody changed by hand, as the plan that would undo it."""
        return self.plan(spec, force=True, emit=emit)

    def removal(self, spec: Spec | str | Path, *, emit: Emit = silent) -> Plan:
        """The plan that deletes all resources that the spec created, and nothing else."""
        return self._work(spec).removal(emit)

    def apply(
        self,
        plan: Plan | None = None,
        *,
        spec: Spec | str | Path,
        prune: bool = False,
        adopt: bool = False,
        force: bool = False,
        emit: Emit = silent,
        approve: Approve = unasked,
    ) -> Outcome:
        """Do a plan, or what is needed now if `approve` lets it. Failures are in the outcome. Raises Busy."""
        work = self._work(spec)
        if plan is None:
            plan = approved(lambda: work.plan(prune=prune, adopt=adopt, force=force, emit=emit), approve)
        return work.apply(plan, emit)

    def apply_written(self, written: dict[str, Any], *, emit: Emit = silent) -> Outcome:
        """Do a plan that was written down. Raises BadInput when it is no longer what would be done."""
        made = written["made_from"]["spec"]
        work = self._work(loads(made["text"], made["file"]))
        return work.apply(plan_again(written, work.plan, emit), emit)

    def export(
        self, *, tenant: str | None = None, addresses: bool = False, emit: Emit = silent
    ) -> export.Export:
        """What exists, as a spec. `tenant`: one alone; by default all that the account manages: an administrator's
        whole cloud, another account's project.
        `addresses`: the fixed addresses of servers and balancers, too. Raises BadInput."""
        account = self.account
        access = AccountAccess(account)
        if account.is_administrator:
            projects = {}
        else:
            project = _project(account, tenant or account.project.name)
            if project is None:
                raise export.no_tenant(tenant or "", [each.name for each in account.projects])
            projects, tenant = {project.name: project.id}, project.name
        reach = Reach(projects, strict=bool(tenant), lenient=True)
        cloud = OpenStack(access, account.services, owner="", secret=_none, keep=_keep_none, reach=reach)
        return export.of(
            cloud, name=self.name, tenant=tenant, account=account.user, addresses=addresses, emit=emit
        )

    def _work(self, spec: Spec | str | Path) -> _Work:
        read = load(spec) if isinstance(spec, (str, Path)) else spec
        return _Work(self.account, read, self._state)


class _Work:
    """A spec and an account."""

    def __init__(self, account: Account, spec: Spec, state: Path) -> None:
        self._account = account
        self._spec = spec
        self._lock = state / "apply.lock"
        self._access = AccountAccess(account)
        passwords = Passwords(state / "passwords")
        self._cloud = OpenStack(
            self._access,
            account.services,
            owner=spec.name,
            secret=passwords.of,
            keep=passwords.keep,
            reach=self._reach,
        )

    @cached_property
    def _tenants(self) -> dict[str, Project]:
        """By the first part of addresses: the projects that stand for the spec's tenants. Raises BadSpec."""
        found: dict[str, Project] = {}
        wrong = []
        inside = [scope for scope in scopes(self._spec) if scope.tenant]
        for scope in inside:
            assert scope.tenant is not None
            project = _project(self._account, scope.tenant.name)
            if project is None and len(inside) == 1:
                project = self._account.project
            if project is None:
                wrong.append(self._no_project(scope))
            elif project in found.values():
                summary = f"the project '{project.name}' cannot stand for two tenants"
                wrong.append(Diagnostic("error", summary, "", scope.place("name")))
            else:
                found[scope.path[0]] = project
        if wrong:
            raise BadSpec(
                "the account cannot create tenants, and lacks projects for those of the spec", wrong
            )
        return found

    def _no_project(self, scope: Scope) -> Diagnostic:
        assert scope.tenant is not None
        names = ", ".join(sorted(each.name for each in self._account.projects))
        return Diagnostic(
            "error",
            f"the account is no administrator, and has no project '{scope.tenant.name}'",
            f"one of its projects: {names}",
            scope.place("name"),
            "name the tenant as the project; a file of one tenant may have any name for it",
        )

    @property
    def _reach(self) -> Reach:
        if self._account.is_administrator:
            return Reach(strict=True, lenient=True)
        return Reach({path: project.id for path, project in self._tenants.items()}, lenient=True)

    def plan(self, *, prune: bool, adopt: bool, force: bool, emit: Emit) -> Plan:
        everything = read_files(wanted(self._spec), Path(self._spec.file).parent)
        self._require_services(everything)
        observed = self._observe(everything, emit)
        administrator = self._account.is_administrator
        kinds = self._cloud.kinds
        sorted_ = rights.sort_out(
            everything, observed, kinds, self._cloud.unavailable, administrator=administrator
        )
        if sorted_.wrong:
            raise BadSpec(f"the account of '{self._account.name}' cannot do this", sorted_.wrong)
        plan = make(sorted_.managed, observed, kinds, owner=self._spec.name, prune=prune, adopt=adopt)
        if not force:
            wrong = [] if administrator else list(rights.forbidden(plan, kinds))
            wrong += rights.beyond_quota(plan, observed, kinds, self._shares(plan, observed))
            if wrong:
                raise BadSpec(f"the account of '{self._account.name}' cannot do this", wrong)
        notes = [*self._notes(), *sorted_.notes]
        return Plan(plan.changes, plan.left, plan.present, plan.owner, plan.wanted, plan.implied, notes)

    def removal(self, emit: Emit) -> Plan:
        listed = wanted(self._spec)
        observed = self._observe(listed, emit, removing=True)
        return make((), observed, self._cloud.kinds, owner=self._spec.name, prune=True)

    def apply(self, plan: Plan, emit: Emit) -> Outcome:
        with held(self._lock, "onestack apply"):
            return run(plan, self._cloud, emit)

    def _observe(self, listed: list[Wanted], emit: Emit, *, removing: bool = False) -> list[Observed]:
        with self._settled(emit), step("collect resources", emit) as at:
            observed = self._cloud.observe(listed, removing=removing)
            at.outcome = f"{len(observed)} found"
        return observed

    @contextmanager
    def _settled(self, emit: Emit) -> Iterator[None]:
        """After a killed apply: its last requests may still be in flight, and what they make would be missing."""
        if abandoned(self._lock):
            with held(self._lock, "onestack plan"), step("wait for in-flight requests", emit):
                time.sleep(SETTLE_SECONDS)
        yield

    def _notes(self) -> Iterator[str]:
        if self._account.is_administrator:
            return
        for name, project in self._tenants.items():
            if project.name != name.partition("@")[0]:
                yield f"tenant {name} is the project '{project.name}' of the account"

    def _shares(self, plan: Plan, observed: list[Observed]) -> rights.Shares:
        """The quotas of those services and tenants in which the plan creates something."""
        needed = {
            (change.address.path[0], self._cloud.kinds[change.address.kind].service)
            for change in plan.of("create")
            if len(change.address.path) > 1
        }
        projects = (
            {path: project.id for path, project in self._tenants.items()} if self._reach.projects else {}
        )
        projects |= {one.address.path[0]: one.id for one in observed if one.address.kind == "tenant"}
        # A quota that this plan sets is not yet what counts.
        changing = {change.address.path[0] for change in plan.changes if change.address.kind == "quota"}
        return {
            (tenant, service): shares(self._access, service, projects[tenant])
            for tenant, service in sorted(needed)
            if tenant in projects and tenant not in changing
        }

    def _require_services(self, everything: list[Wanted]) -> None:
        wrong = {}
        for one in self._cloud.missing(everything):
            service = self._cloud.kinds[one.address.kind].service
            summary = f"{one.address} needs the service '{service}', which is not in this cloud's catalogue"
            wrong[one.place] = Diagnostic("error", summary, "", one.place)
        if wrong:
            raise BadSpec("the cloud lacks a service", wrong.values())


def _project(account: Account, name: str) -> Project | None:
    """The project with this name: that of the credentials, or else another one of the account's."""
    if account.project.name == name:
        return account.project
    return next((each for each in account.projects if each.name == name), None)


def _state_home() -> Path:
    given = os.environ.get("XDG_STATE_HOME", "")
    return Path(given) if given.startswith("/") else Path.home() / ".local/state"


def _none(secret: object) -> str:
    raise AssertionError("an export needs no secret")


def _keep_none(label: str, secret: str) -> None:
    raise AssertionError("an export makes no secret")
