"""Checks that the cloud works, as its users use it: as an ordinary tenant with a guest of its own.

Two temporary tenants are created. The first one's guest must answer on its floating IP and have its metadata; the
second tenant must neither see nor reach it. Everything created is removed, whatever happens. The calling
process is in the cloud's network namespace, so that floating IPs can be reached.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from openstack.connection import Connection
from openstack.identity.v3.project import Project

from onestack.core.errors import OneStackError, PermanentError
from onestack.core.events import Emit
from onestack.health.verify import removal, sdk, tenant
from onestack.health.verify.dashboard import check_dashboard
from onestack.health.verify.guests import Explain, check_guests, unexplained
from onestack.health.verify.outside import Outside
from onestack.health.verify.report import Recorder, Report
from onestack.health.verify.tenant import Connect, Tenant
from onestack.health.verify.tenant_network import Choice, check_isolation, make_network
from onestack.platform.services import CATALOGUE


def quick(
    connect: Connect,
    emit: Emit,
    *,
    image: str = "tiny",
    flavor: str = "m1.nano",
    external: str = "public",
    dashboard: str | None = None,
    explain: Explain = unexplained,
    outside: Outside | None = None,
) -> Report:
    """Try the cloud from end to end, in about half a minute; the report says whether it works.

    `connect()` gives the administrator's connection, `connect(user=…, password=…, project=…)` that
    of a user of the default domain. `image`, `flavor` and `external` are the names of the image, the
    flavor and the external network of the test guests; `dashboard` is Horizon's URL; `explain` says why a server
    (by its id) failed; `outside` is what guests should reach. The services in the catalogue are checked. A failure
    is a step of the report, not an exception; Ctrl-C is raised again once everything is removed.
    """
    record = Recorder(emit)
    run = _Run(record, connect, Choice(image, flavor, external), dashboard, explain, outside)
    try:
        run.exercise()
    except OneStackError:
        # The failed step is in the report.
        pass
    finally:
        with removal.uninterrupted(emit):
            run.remove()
    return record.report()


@dataclass
class _Run:
    """One run: its options, and the connections and tenants it has created so far."""

    record: Recorder
    connect: Connect
    choice: Choice
    dashboard: str | None = None
    explain: Explain = unexplained
    outside: Outside | None = None
    admin: Connection | None = None
    services: frozenset[str] = frozenset()
    tenants: list[Tenant] = field(default_factory=list)
    token: str = field(default_factory=tenant.run_token)

    def exercise(self) -> None:
        """Create and check resources in the order of their dependencies. Raises OneStackError."""
        record = self.record
        with record.step("catalogue", hint="onestack status; onestack logs keystone") as at:
            self.admin = self.connect()
            self.services = sdk.services(self.admin)
            at.outcome = ", ".join(sorted(self.services))
        # Leftovers in a service that is down stay: the steps that need the service report its failure in detail.
        with record.check("leftovers", hint="onestack status") as at:
            removed = removal.sweep(self.admin, tenant.is_ours, self.services)
            at.outcome = f"{len(removed)} of an earlier run removed" if removed else "none"
        with record.step("tenants", hint="onestack logs keystone") as at:
            for letter in "ab":
                name = f"{tenant.PREFIX}{self.token}-{letter}"
                self.tenants.append(tenant.create(self.admin, self.connect, name))
            at.outcome = "two projects, each with an ordinary user"
        first, second = self.tenants
        if self.dashboard:
            check_dashboard(record, first, self.dashboard)
        else:
            record.leave_out("dashboard", "the cloud has none")
        self._try_services(first, second)
        if "network" not in self.services:
            record.leave_out("network", "the cloud has no network service")
            record.leave_out("server", "the cloud has no network service")
            return
        first_network = make_network(record, first, self.choice.external, "network")
        if "compute" not in self.services:
            check_isolation(record, first, second, self.services)
            record.leave_out("server", "the cloud has no compute service")
            return
        second_network = make_network(record, second, self.choice.external, "network of the second tenant")
        options = (self.services, self.explain, self.outside)
        check_guests(record, self.admin, first_network, second_network, self.choice, self.token, *options)
        check_isolation(record, first, second, self.services)

    def _try_services(self, first: Tenant, second: Tenant) -> None:
        for service in CATALOGUE.values():
            if service.verify is None:
                continue
            if service.type not in self.services:
                self.record.leave_out(service.type, f"the cloud has no {service.type} service")
                continue
            with self.record.check(service.type, hint=f"onestack logs {service.name}") as at:
                at.outcome = service.verify(first.cloud, second.cloud)

    def remove(self) -> None:
        """Remove what this run created, as the tenant where it has the right, and check that nothing is left."""
        if self.admin is None:
            return
        admin, services = self.admin, self.services
        with self.record.check("removal", hint="onestack logs nova; onestack logs neutron") as at:
            count = 0
            for each in self.tenants:
                count += len(removal.Holdings(each.cloud, each.project.id, services).remove())
            count += len(removal.sweep(admin, self._is_of_this_run, services))
            left = [
                project.name for project in sdk.identity(admin).projects() if self._is_of_this_run(project)
            ]
            for each in self.tenants:
                holdings = removal.Holdings(admin, each.project.id, services, everyone=True)
                left += [str(resource) for resource in holdings.all()]
            if left:
                raise PermanentError(f"not removed: {', '.join(left)}", hint="the next run tries again")
            at.outcome = f"{count} resources removed, nothing is left"

    def _is_of_this_run(self, project: Project) -> bool:
        return tenant.is_ours(project) and self.token in project.name
