"""The functional tests in openstacksdk's package, for the services that this cloud has.

They expect a cloud like DevStack's: the entries of its clouds.yaml, projects `demo` and `alt_demo`, a router to the
external network, default subnet pools. The projects are created in a domain of their own, so names cannot clash.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence

from onestack.core.errors import PermanentError
from onestack.health.verify.suites import domain, leftovers
from onestack.health.verify.suites.suite import Phase, Place, Stage, Suite
from onestack.host.files import replace_private

NAME = "openstacksdk"
PREFIX = "openstack.tests.functional."
FOLDERS: Mapping[str, str] = {
    "identity": "identity",
    "image": "image",
    "placement": "placement",
    "network": "network",
    "compute": "compute",
    "block-storage": "block_storage",
    "load-balancer": "load_balancer",
}
"""Service type -> the folder of its tests."""
BALANCERS = f"{PREFIX}load_balancer."
BALANCER_CONCURRENCY = 3
"""Load balancer tests run with this many times the concurrency: most of their half minute each is a fixed wait."""
FLAVOR = "onestack-suite-openstacksdk"
WAIT_SECONDS = 180
"""How long a test waits for a resource: a guest under software emulation on a busy machine."""
POOLS = {4: ("10.96.0.0/16", 26), 6: ("fd60:96::/56", 64)}
"""IP version -> the default subnet pool's range and the length of its subnets' prefix, where there is none."""

CLOUDS: Mapping[str, domain.Login] = {
    "devstack": domain.Login("demo", project="demo"),
    "devstack-alt": domain.Login("alt_demo", project="alt_demo"),
    "devstack-admin": domain.Login("admin", project="admin"),
    "devstack-system-admin": domain.Login("admin"),
}
"""The entries of clouds.yaml that the tests name. The roles are DevStack's."""
GRANTS = (
    domain.Grant("demo", "member", "demo"),
    domain.Grant("alt_demo", "member", "alt_demo"),
    domain.Grant("admin", "admin", "admin"),
    domain.Grant("admin", "admin", "demo"),
    domain.Grant("admin", "admin", None),
)


def phases(tests: Sequence[str], concurrency: int) -> list[Phase]:
    """Load balancer tests run last: they use the first subnet the cloud lists, and other tests delete subnets."""
    balancers = tuple(name for name in tests if name.startswith(BALANCERS))
    others = tuple(name for name in tests if name not in balancers)
    candidates = Phase(others, concurrency), Phase(balancers, concurrency * BALANCER_CONCURRENCY, apart=True)
    return [phase for phase in candidates if phase.tests]


def command(place: Place, tests: str, phase: Phase) -> list[str]:
    """The interpreter's arguments that run the tests listed in a file."""
    root = place.packages_inside
    location = ["--test-path", f"{root}/openstack/tests/functional", "--top-dir", root]
    # stestr gives tests to one worker if the expression matches the same text in their names.
    group = ".*" if phase.apart else r"([^\.]*\.)*"
    options = ["--concurrency", str(phase.concurrency), "--group-regex", group, "--load-list", tests]
    return ["-m", "stestr", *location, "run", "--subunit", *options]


def listing(place: Place) -> list[str]:
    """The interpreter's arguments that list the tests."""
    root = place.packages_inside
    location = ["-s", f"{root}/openstack/tests/functional", "-t", root]
    return ["-m", "testtools.run", "discover", *location, "--list"]


def configure(stage: Stage) -> Mapping[str, str]:
    """Write clouds.yaml with DevStack's entries and the file that image tests upload; remove the tests of services
    that the cloud does not have. Returns environment variables."""
    clouds = {name: domain.entry(stage, login) for name, login in CLOUDS.items()}
    # JSON is YAML too.
    replace_private(stage.place.folder / "clouds.yaml", json.dumps({"clouds": clouds}, indent=1))
    # Upstream runs its tests in a checkout, which contains this file.
    (stage.place.folder / "CONTRIBUTING.rst").write_text("Something to upload as an image.\n")
    _prune(stage.place, stage.services)
    return {
        "OS_CLIENT_CONFIG_FILE": f"{stage.place.inside}/clouds.yaml",
        "OPENSTACKSDK_FLAVOR": FLAVOR,
        "OPENSTACKSDK_IMAGE": stage.image,
        "OPENSTACKSDK_FUNC_TEST_TIMEOUT": str(WAIT_SECONDS),
        # Keeps the tests' log and output apart from the stream of results.
        "OS_LOG_CAPTURE": "1",
        "OS_STDOUT_CAPTURE": "1",
        "OS_STDERR_CAPTURE": "1",
    }


def _prune(place: Place, services: frozenset[str]) -> None:
    """Keep only the tests of these services: some of the others cannot be imported from the package."""
    wanted = {folder for kind, folder in FOLDERS.items() if kind in services}
    for folder in (place.packages / "openstack/tests/functional").iterdir():
        if folder.is_dir() and folder.name not in wanted:
            shutil.rmtree(folder)


def make(stage: Stage) -> str:
    """The projects and users, a flavor, and default subnet pools where the cloud has none."""
    if "image" in stage.services and stage.admin.image.find_image(stage.image) is None:
        raise PermanentError(f"there is no image `{stage.image}`", hint="run `onestack up`, which creates it")
    leftovers.record(stage)
    projects = domain.make(stage, GRANTS)
    made = [f"{len(projects)} projects"]
    if "compute" in stage.services:
        compute = stage.admin.compute
        flavor = compute.create_flavor(name=FLAVOR, vcpus=1, ram=128, disk=1, is_public=False)
        for project in projects.values():
            compute.flavor_add_tenant_access(flavor.id, project.id)
        made.append("a flavor")
    if "network" in stage.services:
        made += _subnet_pools(stage, projects["admin"].id)
        _router(stage, projects["demo"].id)
        made.append("a router")
    return ", ".join(made)


def _subnet_pools(stage: Stage, owner: str) -> list[str]:
    network = stage.admin.network
    present = {pool.ip_version for pool in network.subnet_pools() if pool.is_default}
    missing = [version for version in POOLS if version not in present]
    for version in missing:
        prefix, length = POOLS[version]
        network.create_subnet_pool(
            name=f"{FLAVOR}-v{version}",
            project_id=owner,
            prefixes=[prefix],
            default_prefix_length=length,
            is_default=True,
            is_shared=True,
        )
    return [f"default subnet pools for IPv{version}" for version in missing]


def _router(stage: Stage, owner: str) -> None:
    """DevStack's network `private` behind `router1`; the external network is the default one, as in DevStack."""
    network = stage.admin.network
    external = network.find_network(stage.external)
    if external is None:
        raise PermanentError(
            f"there is no network `{stage.external}`", hint="run `onestack up`, which creates it"
        )
    # A test sets this as a tenant, which is forbidden; when it is set already, the SDK sends no request.
    network.update_network(external, is_default=True)
    private = network.create_network(name="private", project_id=owner)
    subnet = network.create_subnet(
        name="private-subnet", project_id=owner, network_id=private.id, ip_version=4, cidr="10.97.0.0/26"
    )
    router = network.create_router(
        name="router1", project_id=owner, external_gateway_info={"network_id": external.id}
    )
    network.add_interface_to_router(router.id, subnet=subnet.id)


def remove(stage: Stage) -> list[str]:
    """Remove all that `make` created and the tests left."""
    removed = leftovers.remove(stage)
    if "compute" in stage.services:
        flavor = stage.admin.compute.find_flavor(FLAVOR)
        if flavor is not None:
            stage.admin.compute.delete_flavor(flavor.id)
            removed.append(f"flavor {FLAVOR}")
    return removed


OPENSTACKSDK = Suite(
    name=NAME,
    prefix=PREFIX,
    command=command,
    phases=phases,
    listing=listing,
    configure=configure,
    make=make,
    remove=remove,
)
