"""Downloads or builds all parts of a cloud once, and keeps them in the cache: base, environment, guest image,
dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from onestack.core import data
from onestack.core.events import Emit, step
from onestack.core.graph import Task, complete
from onestack.core.paths import Paths
from onestack.host import base, dashboard, environment, guest, hypervisor
from onestack.host.lock import held
from onestack.spec.platform import Platform

IMAGE_SECONDS = 300.0
"""How long to wait for another command that builds the guest image; usually some seconds."""


@dataclass(frozen=True)
class Fetched:
    """The paths of the parts."""

    base: Path
    environment: Path
    runtime: Path
    image: Path
    dashboard: Path | None = None
    """The dashboard's static files; None if the dashboard was not chosen."""
    trees: Mapping[str, Path] = field(default_factory=dict)
    """The trees beside the base, by name."""


def fetch(
    paths: Paths,
    wanted: Platform,
    emit: Emit,
    *,
    mirror: str | None = None,
    trees: Sequence[str] = (),
) -> Fetched:
    """Fetch all parts of a release, in parallel. Raises the first failure.

    `trees`: those beside the base that the host needs too.
    """
    series = wanted.release
    release = data.release(series)
    store = paths.release(series)
    native = data.native(series)
    trees_store = paths.release(native.name)
    for each in (store, trees_store):
        each.mkdir(parents=True, exist_ok=True)
    found: dict[str, Path] = {}
    beside: dict[str, Path] = {}

    def get_base() -> None:
        found["base"] = base.ensure(native, trees_store, emit, extras=wanted.base_extras, mirror=mirror)

    def get_tree(name: str) -> None:
        beside[name] = base.ensure_tree(native, trees_store, name, emit, mirror=mirror)

    def get_environment() -> None:
        found["environment"] = environment.ensure(release / "requirements.txt", store, "openstack", emit)

    def get_runtime() -> None:
        found["runtime"] = environment.ensure(data.folder("runtime"), store, "runtime", emit)

    def get_image() -> None:
        found["image"] = image(found["base"], trees_store, emit)

    def get_dashboard() -> None:
        found["dashboard"] = dashboard.ensure(
            found["base"], found["environment"], found["runtime"], store, emit
        )

    def probe() -> None:
        # The KVM probe may have to wait for a guest that never boots: meanwhile the other parts are built.
        kept = paths.cache / "kvm.json"
        if hypervisor.must_boot(found["base"], cache=kept):
            with step("virtualization", emit, "booting a guest under KVM") as at:
                at.outcome = hypervisor.probe_kvm(found["base"], cache=kept).reason

    tasks = [
        Task("base", get_base),
        Task("environment", get_environment),
        Task("runtime", get_runtime, ("environment",)),
        Task("image", get_image, ("base",)),
        # Not at the same time: both may have to install what builds them.
        *(Task(name, partial(get_tree, name), ("base",)) for name in trees),
    ]
    if wanted.compute.driver != "fake":
        tasks.append(Task("virtualization", probe, ("base",)))
    if "dashboard" in wanted.services:
        tasks.append(Task("dashboard", get_dashboard, ("base", "environment", "runtime")))
    complete(tasks)
    return Fetched(**found, trees=beside)


def is_fetched(paths: Paths, platform: Platform, trees: Sequence[str] = ()) -> bool:
    """Whether nothing needs to be downloaded any more. `trees`: as in `fetch`."""
    release, store = data.release(platform.release), paths.release(platform.release)
    native = data.native(platform.release)
    trees_store = paths.release(native.name)
    wanted = (
        trees_store / f"base-{base.key(native, platform.base_extras)}",
        *(trees_store / f"{name}-{base.tree_key(native, name)}" for name in trees),
        store / f"openstack-{environment.digest(release / 'requirements.txt')}",
        store / f"runtime-{environment.digest(data.folder('runtime'))}",
    )
    return all(place.exists() for place in wanted)


def image(base_tree: Path, store: Path, emit: Emit) -> Path:
    """The guest image, built from a base."""
    target = store / f"tiny-{base_tree.name}-{environment.digest(Path(guest.__file__).parent)}.qcow2"
    if target.exists():
        return target
    with (
        step("guest image", emit) as at,
        held(store / "image.lock", "building the guest image", seconds=IMAGE_SECONDS),
    ):
        if target.exists():
            return target
        partial = target.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        guest.build(base_tree, partial)
        partial.rename(target)
        at.outcome = f"{target.stat().st_size / 1e6:.1f} MB"
    return target
