"""Upstream's own tests of a running cloud: Tempest, in an environment of its own, configured for this cloud.

It runs inside the cloud's namespaces, where the API gateway and the floating IPs are reached. Its environment and
output are in `<lib>/tempest`, so that they are removed with the cloud.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from openstack.connection import Connection
from openstack.identity.v3.project import Project

from onestack.core import contract
from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, Step, step
from onestack.core.paths import Paths
from onestack.health.verify import child, sdk
from onestack.health.verify.guests import real_guests
from onestack.health.verify.hosts import that_run_guests
from onestack.health.verify.removal import sweep
from onestack.health.verify.tempest_conf import Target, render, several
from onestack.health.verify.tempest_results import Collector, SmokeReport
from onestack.health.verify.tenant import Connect
from onestack.health.verify.tenant_network import Choice
from onestack.host import environment
from onestack.host.command import last_lines
from onestack.host.namespace import enter

T = TypeVar("T")

INSIDE = "/var/lib/tempest"
"""<lib>/tempest as seen inside the cloud's mount namespace."""
SMOKE = r"^tempest\.(api\.(identity|image|compute|network|volume)|scenario)\..*\[.*\bsmoke\b.*\]"
"""Tests by name and tags: those marked `smoke`, of the services this cloud has."""
MULTINODE = (
    r"^(?!.*\.test_(live_block_migration_with_attached_volume|instances_with_cinder_volumes_on_all_compute_nodes)\[)"
    r"tempest\.(api\.compute|scenario)\..*\[.*\bmultinode\b.*\]"
)
"""For several hosts: guests that move between them, live and cold. Volumes in files are on one host, so the tests
that need one on every host are left out; others of that kind are skipped by `tempest_conf`."""
_BALANCERS = "|".join(
    (
        r"api\.v2\.test_(provider|load_balancer|l7policy|l7rule)\.",
        r"api\.v2\.test_listener\..*\.test_(http|https|tcp|prometheus)_listener_(create|update|delete)\[",
        r"api\.v2\.test_listener\..*\.test_(udp_listener_create|http_listener_show_stats)\[",
        r"api\.v2\.test_pool\..*\.test_(HTTP|TCP|PROXY)_RR_pool_(with_listener_create|update|delete)\[",
        r"api\.v2\.test_pool\..*\.test_HTTP_RR_(app_cookie|http_cookie|source_IP)_pool_with_listener_create\[",
        r"api\.v2\.test_member\..*\.test_(ipv4_HTTP_RR_member_create|HTTP_RR_member_(update|batch_update|delete))\[",
        r"api\.v2\.test_healthmonitor\..*\.test_RR_(HTTP|HTTPS|PING|TCP|TLS)_healthmonitor_create\[",
        r"api\.v2\.test_healthmonitor\..*\.test_RR_HTTP_healthmonitor_(update|delete)\[",
        r"scenario\.v2\.test_load_balancer\..*\.test_load_balancer_ipv4_CRUD\[",
        r"scenario\.v2\.test_listener\..*\.test_(http|tcp)_round_robin_listener_CRUD\[",
        r"scenario\.v2\.test_(l7policy|l7rule)\.",
        r"scenario\.v2\.test_pool\..*\.test_HTTP_RR_pool_with_listener_CRUD\[",
        r"scenario\.v2\.test_member\..*\.test_HTTP_RR_member_crud\[",
        r"scenario\.v2\.test_healthmonitor\..*\.test_RR_HTTP_healthmonitor_CRUD\[",
    )
)
BALANCERS = rf"^octavia_tempest_plugin\.tests\.({_BALANCERS})"
"""Tests of octavia-tempest-plugin, which marks hardly any as `smoke`: each operation on each kind of object once or a
few times, not with every protocol and algorithm. Its traffic tests need a server program of upstream's in the guest,
which is in no registry."""
SECONDS = 2400.0
"""The time limit of the whole run: on one processor under software emulation, with a margin."""
TEST_SECONDS = 900


@dataclass(frozen=True)
class _Place:
    """One run's folder, outside and inside the namespace."""

    folder: Path

    @property
    def inside(self) -> str:
        return f"{INSIDE}/{self.folder.name}"


def smoke(
    connect: Connect,
    paths: Paths,
    release: Path,
    emit: Emit,
    *,
    image: str = "tiny",
    flavor: str = "m1.nano",
    external: str = "public",
    ssh_user: str = "root",
    ca_file: str | None = None,
    dashboard: str = "",
    tests: str | None = None,
    concurrency: int = 2,
    seconds: float = SECONDS,
) -> SmokeReport:
    """Run Tempest's smoke tests of identity, image, compute, network and volumes.

    The calling thread is in the cloud's network; if that is not the machine's own, call `install` before, outside of
    it, since package indexes are not reachable from it. `connect()` gives the administrator's connection; `release`
    is the folder `releases/<series>`; `ca_file` is a path inside the namespace; `dashboard` is the URL of the web
    page; `tests` is a regular expression that selects tests by name and tags, instead of those for the cloud's
    services; `seconds` bounds the whole. Raises PermanentError if Tempest cannot be run at all, BadInput if no test
    matches; a failed test is a result.
    """
    packages = install(paths, release, emit)
    place = _Place(packages.parent / "run")
    with step("tempest settings", emit) as at:
        admin = connect()
        removed = sweep(admin, is_tempests, sdk.services(admin))
        target = discover(admin, Choice(image, flavor, external), place.inside, ssh_user, ca_file, dashboard)
        _prepare(place, target, release / "suites/follow.py")
        at.outcome = f"{len(removed)} leftovers of an earlier run removed" if removed else ""
    try:
        with step("tempest smoke", emit, f"{concurrency} at a time") as at:
            report = _run(
                paths,
                place,
                f"{INSIDE}/{packages.name}",
                tests or chosen(target.services, several(target)),
                concurrency,
                seconds,
                at,
            )
            at.outcome = summary(report)
    finally:
        with step("tempest leftovers", emit) as at:
            removed = sweep(admin, is_tempests, sdk.services(admin))
            at.outcome = f"{len(removed)} removed" if removed else "none"
    return report


def chosen(services: frozenset[str], hosts: bool = False) -> str:
    """The regular expression that selects the tests for a cloud with these services. `hosts`: whether it has several
    hosts that run guests."""
    more = [BALANCERS] if "load-balancer" in services else []
    return "|".join([SMOKE, *more, *([MULTINODE] if hosts and "compute" in services else [])])


def install(paths: Paths, release: Path, emit: Emit) -> Path:
    """Tempest's environment for this cloud, installed from the release's lock if it does not exist.

    Needs the package index. Raises PermanentError when it is not reached.
    """
    store = paths.data / "tempest"
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    return environment.ensure(release / "tempest/requirements.txt", store, "tempest", emit)


def is_tempests(project: Project) -> bool:
    """Whether Tempest created a project for a test, as its name and description show."""
    return str(project.name).startswith("tempest-") and project.description == f"{project.name}-desc"


def summary(report: SmokeReport) -> str:
    """The totals in words."""
    return ", ".join(f"{len(report.of(state))} {state}" for state in ("passed", "failed", "skipped"))


def discover(
    admin: Connection, choice: Choice, folder: str, ssh_user: str, ca_file: str | None, dashboard: str = ""
) -> Target:
    """Read from the cloud what Tempest's configuration needs. Raises PermanentError if something does not exist."""
    services = sdk.services(admin)
    auth = admin.config.get_auth_args()
    found: dict[str, str] = {}
    cidrs: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    guests = False
    providers = list(admin.load_balancer.providers()) if "load-balancer" in services else []
    if "network" in services:
        network = _existing(admin.network.find_network(choice.external), f"network `{choice.external}`")
        found |= {"external": network.id, "external_name": network.name}
        extensions = tuple(sorted(each.alias for each in admin.network.extensions()))
        cidrs = tuple(subnet.cidr for subnet in admin.network.subnets(network_id=network.id))
    if "image" in services:
        image = admin.image.find_image(choice.image)
        found["image"] = image.id if image else ""
    if "compute" in services:
        _existing(found["image"] or None, f"image `{choice.image}`")
        flavor = _existing(admin.compute.find_flavor(choice.flavor), f"flavor `{choice.flavor}`")
        larger = [other for other in admin.compute.flavors() if other.ram > flavor.ram and other.is_public]
        found["flavor"] = flavor.id
        found["flavor_alt"] = min(larger, key=lambda other: int(other.ram)).id if larger else flavor.id
        hosts = tuple(that_run_guests(admin))
        guests = real_guests(admin)
    base = str(auth["auth_url"]).rstrip("/")
    return Target(
        folder=folder,
        auth_url=base if base.endswith("/v3") else f"{base}/v3",
        username=str(auth["username"]),
        password=str(auth["password"]),
        project_name=str(auth["project_name"]),
        domain_name="Default",
        region=str(admin.config.get_region_name() or "RegionOne"),
        services=services,
        hosts=hosts,
        shared_volumes="block-storage" in services and _are_shared(admin),
        guests=guests,
        providers=tuple((each.name, each.description) for each in providers),
        external_cidrs=cidrs,
        extensions=extensions,
        ssh_user=ssh_user,
        ca_file=ca_file,
        dashboard=dashboard,
        **found,
    )


def _are_shared(admin: Connection) -> bool:
    """Whether all volume backends' volumes can be attached on every host."""
    pools = list(admin.block_storage.backend_pools())
    local = (contract.FILE_PROTOCOL, contract.LOGICAL_PROTOCOL)
    return bool(pools) and not any(each.capabilities.get("storage_protocol") in local for each in pools)


def child_environment(place_inside: str, packages_inside: str) -> dict[str, str]:
    """The environment variables of Tempest's processes; the caller's are not inherited."""
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": place_inside,
        "LANG": "C.UTF-8",
        "PYTHONPATH": packages_inside,
        "OS_TEST_TIMEOUT": str(TEST_SECONDS),
    }


def _existing(found: T | None, what: str) -> T:
    if found is None:
        raise PermanentError(f"there is no {what}", hint="run `onestack up`, which creates what guests need")
    return found


def _prepare(place: _Place, target: Target, follow: Path) -> None:
    """Create an empty folder that only root can read: the configuration contains the administrator's password."""
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(mode=0o700)
    descriptor = os.open(place.folder / "tempest.conf", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(render(target))
    shutil.copyfile(follow, place.folder / "follow.py")


def _run(
    paths: Paths, place: _Place, packages: str, tests: str, concurrency: int, seconds: float, at: Step
) -> SmokeReport:
    begun = time.monotonic()
    words = ["-m", "tempest.cmd.main", "run", "--config-file", "tempest.conf", "--regex", tests]
    words += ["--concurrency", str(concurrency), "--subunit"]
    argv = enter(paths, ["/usr/bin/python3", f"{place.inside}/follow.py", place.inside, *words])
    errors = place.folder / "stderr.log"
    collector = Collector()
    count = 0
    with child.running(argv, child_environment(place.inside, packages), errors, seconds) as process:
        for line in process.lines():
            result = collector.take(line)
            if result is None:
                continue
            count += 1
            word = "ok" if result.state == "passed" else result.state
            at.progress(f"{count}/{len(collector.chosen)} {word} {result.name}")
    results = collector.results()
    if collector.ended is not None and not results and not collector.chosen:
        raise BadInput(
            f"no test of Tempest's is called like `{tests}`",
            where=str(place.folder),
            hint="a regular expression of names and tags: tempest.api.volume",
        )
    cut_short = f"it was stopped after {seconds:.0f} s" if process.late else ""
    if not results or (collector.ended is None and not cut_short):
        raise PermanentError(
            "Tempest did not run",
            detail=last_lines(errors.read_text(errors="replace")),
            where=str(place.folder),
            hint=f"see: {place.folder}/tempest.log",
        )
    return SmokeReport(results, time.monotonic() - begun, str(place.folder / "tempest.log"), cut_short)
