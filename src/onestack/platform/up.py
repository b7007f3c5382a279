"""The whole of `up` on this host: which spec, the checks before anything is changed, parts, choices, bring-up."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from onestack.core import contract, data
from onestack.core.events import Emit, Event
from onestack.core.graph import Task, complete
from onestack.core.paths import Paths
from onestack.core.threads import interruptible
from onestack.host import base, doctor, environment, facts, hypervisor, namespace, preflight, reach
from onestack.host.files import replace_private
from onestack.platform import (
    backups,
    bringup,
    host_users,
    layout,
    outside,
    secrets,
    site,
    storage_changes,
    tls,
)
from onestack.platform.choices import Choices, choices_file, with_its_release
from onestack.platform.choose import choose, require_same_name, require_same_release
from onestack.platform.fetch import Fetched, fetch, is_fetched
from onestack.platform.hosts import known
from onestack.platform.hosts.remote import RemoteHost
from onestack.platform.hosts.work import Here
from onestack.platform.site import Site
from onestack.platform.trees import trees
from onestack.platform.view import HostView
from onestack.spec import Spec, default, load
from onestack.spec.model import ROLES


def wanted(paths: Paths, spec: Spec | str | Path | None) -> tuple[Spec, str]:
    """A spec with its text: the given one, that of the last `up`, or the default. Raises BadInput, BadSpec."""
    if isinstance(spec, Spec):
        return spec, spec.model_dump_json(indent=1, exclude_unset=True)
    if spec is not None:
        return load(spec), Path(spec).read_text()
    kept = site.spec_file(paths)
    if kept.exists():
        found = load(kept)
        if choices_file(paths).exists():
            found = with_its_release(found, Choices.load(choices_file(paths)))
        return found, kept.read_text()
    return default(), "version: 1\n"


def check(
    paths: Paths, spec: Spec, emit: Emit, *, force: bool, mirror: str | None, host: str | None = None
) -> None:
    """What this host lacks, before anything is changed. Raises BadInput. `host`: see `choose_here`."""
    require_same_release(paths, spec)
    if host:
        require_same_name(paths, spec, host)
    found = preflight.check(
        spec,
        facts.gather(preflight.disks(paths)),
        paths,
        needs_packages=not is_fetched(paths, spec.platform, trees_of(spec, host)),
        own=preflight.own(paths),
        unreachable=lambda: reach.check(mirror),
        host=host,
    )
    for each in [*spec.notes(), *preflight.raise_errors(found, force=force)]:
        emit(Event("check", "noted", str(each)))


def choose_here(
    paths: Paths, spec: Spec, emit: Emit, *, mirror: str | None, host: str | None = None
) -> tuple[Fetched, Choices]:
    """Have the release's parts on this host, and choose what depends on it; nothing of the cloud is changed yet.

    `host`: which of the spec's hosts this one is; without it, its only one. Raises BadInput.
    """
    fetched = fetch(paths, spec.platform, emit, mirror=mirror, trees=trees_of(spec, host))
    return fetched, choose(paths, spec, fetched, emit, host)


def keep(paths: Paths, text: str, choices: Choices) -> None:
    """Keep what this host's part of the cloud is from now on. `text`: the spec's."""
    paths.etc.mkdir(parents=True, exist_ok=True)
    paths.etc.chmod(0o700)
    replace_private(site.spec_file(paths), text)
    choices.save(choices_file(paths))


def up(
    paths: Paths,
    spec: Spec,
    text: str,
    emit: Emit,
    *,
    mirror: str | None,
    others: Sequence[RemoteHost] = (),
    force: bool = False,
) -> Site:
    """Bring the platform up; the caller holds the cloud's lock. `text`: the spec as it is kept for the next time.

    `others`: the cloud's other hosts. Hosts of the spec that are not among them cannot be reached now: they stay in
    the cloud as they are known.
    """
    backups.require_whole(paths)
    storage_changes.require_possible(paths, spec)
    storage_changes.leave(paths, spec, emit)
    lead = spec.control_hosts[0].name if len(spec.hosts) > 1 else None
    kept = known.load(paths)
    views = {each.name: each for each in kept.hosts} if kept else {}
    chosen: list[tuple[Fetched, Choices]] = []

    def there(each: RemoteHost) -> None:
        views[each.name] = each.choose(spec_for_others(spec), emit, force=force, mirror=mirror)

    tasks = [Task("here", lambda: chosen.append(choose_here(paths, spec, emit, mirror=mirror, host=lead)))]
    tasks += [Task(each.name, partial(there, each)) for each in others]
    complete(tasks, workers=len(tasks))
    # Only now: where a new host cannot be had, the cloud stays what it was, and so does its spec.
    ((fetched, choices),) = chosen
    keep(paths, text, choices)
    peers = [views[each.name] for each in spec.hosts if lead and each.name != lead]
    found = gathered(paths, spec, lead, peers, kept.generation if kept else 0)
    if lead is not None:
        tls.ensure(found)
        tls.ensure_prometheus(found)
        certificates = tls.of_hosts(found)
        for name, text_of in certificates[found.here.name].items():
            replace_private(paths.etc / "tls" / name, text_of.decode())
        for each in others:
            inform(found, each, certificates[each.name], emit)
    interruptible(lambda: bringup.bring_up(found, [Here(found), *others], fetched.image, emit))
    return found


def gathered(
    paths: Paths, spec: Spec, lead: str | None, others: Sequence[HostView], generation: int = 0
) -> Site:
    """The cloud with all its hosts, as this one, the leader, will know it from now on."""
    choices, former = Choices.load(choices_file(paths)), known.load(paths)
    hosts = None
    if lead is not None:
        alone = site.on_this_host(paths, spec, choices, known.Hosts(lead, ()))
        hosts = known.Hosts(lead, (alone.here.view, *others), generation)
    known.save(paths, hosts)
    found = site.on_this_host(paths, spec, choices, hosts)
    stay = {each.name for each in found.hosts}
    for each in former.hosts if former else ():
        # Not before: who looked at the cloud while it was still listed would make them again.
        if each.name not in stay and found.secrets_file.exists():
            secrets.forget(found.secrets_file, host_users.secrets_of(each.name))
    return found


def inform(found: Site, other: RemoteHost, certificates: Mapping[str, bytes], emit: Emit) -> None:
    """Give another host what its part of the cloud needs. `certificates`: by their names below etc/tls."""
    everything = known.Hosts(found.lead, found.hosts, found.generation)
    (its,) = (each for each in layout.views(found.view) if each.here.name == other.name)
    secrets = {name: found.view.cloud.secrets[name] for name in layout.secret_names(its)}
    files = {f"tls/{name}": text for name, text in certificates.items()}
    if its.control:
        kept = found.leader.outside(contract.CREDENTIAL_KEYS)
        keys = (key for key in kept.glob("*") if key.name.isdigit())
        files |= {f"{contract.GIVEN_CREDENTIAL_KEYS}/{key.name}": key.read_bytes() for key in keys}
    other.receive(everything, secrets, files, emit)


def spec_for_others(spec: Spec) -> str:
    """The spec without what only the leader needs: tenants, and what is in them.

    Whether there is monitoring depends on them: the others are told.
    """
    kept = json.loads(
        spec.model_dump_json(include={"version", "name", "platform", "hosts"}, exclude_unset=True)
    )
    kept.setdefault("platform", {}).setdefault("monitoring", {})["enabled"] = spec.monitored
    return json.dumps(kept)


def examine(paths: Paths, spec: Spec, host: str | None = None) -> doctor.Report:
    """What this host has, and what would be chosen because of it. Changes nothing. `host`: see `choose_here`."""
    release = data.release(spec.platform.release)
    native = data.native(spec.platform.release)
    base_tree = paths.release(native.name) / f"base-{base.key(native, spec.platform.base_extras)}"
    packages = (
        paths.release(spec.platform.release) / f"openstack-{environment.digest(release / 'requirements.txt')}"
    )
    return doctor.examine(
        paths,
        spec,
        base=base_tree if base_tree.exists() else None,
        environment=packages if packages.exists() else None,
        probe=hypervisor.probe_kvm,
        obstacles=_obstacles(paths, spec),
        host=host,
    )


def _obstacles(paths: Paths, spec: Spec) -> Callable[[], list[str]] | None:
    """What keeps guests from the outside; None where no cloud stands that can be asked, and where a router outside
    leads there."""
    if spec.platform.network.external.routed_outside:
        return None
    if os.geteuid() != 0 or not choices_file(paths).exists() or not namespace.exists(paths):
        return None

    def ask() -> list[str]:
        found = site.load(paths)
        return outside.obstacles(found, found.leader)

    return ask


def trees_of(spec: Spec, host: str | None) -> tuple[str, ...]:
    """The trees that one of the spec's hosts has beside the base."""
    mine = next((each for each in spec.hosts if host in (None, each.name)), None)
    return trees(
        spec.platform,
        mine.roles if mine else ROLES,
        several=len(spec.hosts) > 1,
        replicated=len(spec.control_hosts) > 1,
        disks=bool(mine and mine.disks),
    )
