"""The whole of `up` on this host: which spec, the checks before anything is changed, parts, choices, bring-up."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from onestack.core import data
from onestack.core.events import Emit, Event
from onestack.core.paths import Paths
from onestack.core.threads import interruptible
from onestack.host import base, doctor, environment, facts, hypervisor, namespace, preflight, reach
from onestack.platform import bringup, outside, site
from onestack.platform.choices import choices_file
from onestack.platform.choose import choose
from onestack.platform.fetch import fetch, is_fetched
from onestack.platform.site import Site
from onestack.spec import Spec, default, load


def wanted(paths: Paths, spec: Spec | str | Path | None) -> tuple[Spec, str]:
    """A spec with its text: the given one, that of the last `up`, or the default. Raises BadInput, BadSpec."""
    if isinstance(spec, Spec):
        return spec, spec.model_dump_json(indent=1, exclude_unset=True)
    if spec is not None:
        return load(spec), Path(spec).read_text()
    kept = site.spec_file(paths)
    if kept.exists():
        return load(kept), kept.read_text()
    return default(), "version: 1\n"


def check(paths: Paths, spec: Spec, emit: Emit, *, force: bool, mirror: str | None) -> None:
    """What this host lacks, before anything is changed. Raises BadInput."""
    found = preflight.check(
        spec,
        facts.gather(preflight.disks(paths)),
        paths,
        needs_packages=not is_fetched(paths, spec.platform),
        own=preflight.own(paths),
        unreachable=lambda: reach.check(mirror),
    )
    for each in [*spec.notes(), *preflight.demand(found, force=force)]:
        emit(Event("check", "noted", str(each)))


def up(paths: Paths, spec: Spec, text: str, emit: Emit, *, mirror: str | None) -> Site:
    """Bring the platform up; the caller holds the cloud's lock. `text`: the spec as it is kept for the next time."""
    fetched = fetch(paths, spec.platform, emit, mirror=mirror)
    choices = choose(paths, spec, fetched, emit)
    paths.etc.mkdir(parents=True, exist_ok=True)
    paths.etc.chmod(0o700)
    site.spec_file(paths).write_text(text)
    choices.save(choices_file(paths))
    found = site.on_this_host(paths, spec, choices)
    interruptible(lambda: bringup.bring_up(found, fetched.image, emit))
    return found


def examine(paths: Paths, spec: Spec) -> doctor.Report:
    """What this host has, and what would be chosen because of it. Changes nothing."""
    store = paths.release(spec.platform.release)
    release = data.release(spec.platform.release)
    base_tree = store / f"base-{base.key(release, spec.platform.base_extras)}"
    packages = store / f"openstack-{environment.digest(release / 'requirements.txt')}"
    return doctor.examine(
        paths,
        spec,
        base=base_tree if base_tree.exists() else None,
        environment=packages if packages.exists() else None,
        probe=hypervisor.probe_kvm,
        obstacles=_obstacles(paths),
    )


def _obstacles(paths: Paths) -> Callable[[], list[str]] | None:
    """What keeps guests from the outside; None where no cloud stands that can be asked."""
    if os.geteuid() != 0 or not choices_file(paths).exists() or not namespace.exists(paths):
        return None

    def ask() -> list[str]:
        found = site.load(paths)
        return outside.obstacles(found, found.leader)

    return ask
