"""A Ceph cluster that keeps volumes: its configuration and the user's key, taken to where the cloud reads them.

Each backend is a cluster of its name to Cinder and to what copies volumes for it: its files are in /etc/ceph of the
namespace, where such programs look. Guests' QEMU gets the key from libvirt, which keeps it as a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onestack.core.contract import ETC
from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, step
from onestack.host.command import CommandFailed
from onestack.host.files import replace_private
from onestack.spec.backends import CephPool

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

FOLDER = "ceph"
SECRETS = "libvirt/secrets"
READS = (f"{ETC}/{FOLDER}", f"{ETC}/{SECRETS}")
"""Where those find them that use clusters."""
STEP = "ceph"
ANSWER_SECONDS = 30.0

_SECRET = """\
<secret ephemeral='no' private='yes'>
  <uuid>{uuid}</uuid>
  <usage type='ceph'><name>{who} of {name}</name></usage>
</secret>
"""


@dataclass(frozen=True)
class _Cluster:
    """A backend that is a pool; `index`: its place in the spec; `secret`: libvirt's name for its key."""

    index: int
    name: str
    pool: CephPool
    secret: str

    @property
    def who(self) -> str:
        return f"client.{self.pool.user}"


def files(site: Site) -> dict[str, str]:
    """What is read of every cluster: path below the cloud's etc -> text. Raises BadInput with the spec's line."""
    found: dict[str, str] = {}
    for each in _clusters(site):
        key = _key(site, each)
        # By this name librados and os-brick find a cluster's key.
        found[f"{FOLDER}/{each.name}.{each.who}.keyring"] = f"[{each.who}]\n\tkey = {key}\n"
        # Where Ceph's own configuration has keys is elsewhere.
        conf = _text(site, each, "conf", Path(each.pool.conf))
        found[f"{FOLDER}/{each.name}.conf"] = re.sub(r"(?m)^[ \t]*keyring[ \t]*=.*\n?", "", conf)
        found[f"{SECRETS}/{each.secret}.xml"] = _SECRET.format(uuid=each.secret, who=each.who, name=each.name)
        found[f"{SECRETS}/{each.secret}.base64"] = key
    return found


def write(site: Site, wanted: Mapping[str, str]) -> None:
    """Have these files, and none of clusters that are no longer used."""
    for folder in (FOLDER, SECRETS):
        place = site.paths.etc / folder
        for there in place.iterdir() if place.exists() else ():
            if f"{folder}/{there.name}" not in wanted:
                there.unlink()
    for name, text in wanted.items():
        place = site.paths.etc / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(place, text)


def demand_answer(site: Site, node: Node, emit: Emit) -> None:
    """Raise PermanentError, with Ceph's own words, for a cluster that does not let its user into the pool."""
    for each in _clusters(site):
        with step(f"Ceph for {each.name}", emit) as at:
            try:
                held = node.inside(
                    ["rbd", "ls", "--pool", each.pool.name, "--cluster", each.name, "--name", each.who],
                    seconds=ANSWER_SECONDS,
                )
            except CommandFailed as failed:
                raise PermanentError(
                    f"the Ceph pool '{each.pool.name}' of the backend '{each.name}' cannot be used",
                    detail="\n".join(filter(None, [failed.summary, failed.detail])),
                    where=site.spec.place_of("platform", "volumes", "backends", each.index),
                    hint=f"is Ceph reached from here, is there the pool, and has {each.who} the"
                    " capabilities `mon 'profile rbd'` and `osd 'profile rbd pool=…'`?",
                ) from failed
            at.outcome = f"pool {each.pool.name}, {len(held.split())} images"


def _clusters(site: Site) -> Iterator[_Cluster]:
    if "block-storage" not in site.view.cloud.services:
        return
    pairs = zip(site.spec.platform.volumes.backends, site.view.cloud.volume_backends, strict=True)
    for index, (wanted, seen) in enumerate(pairs):
        if wanted.ceph and seen.ceph:
            yield _Cluster(index, wanted.name, wanted.ceph, seen.ceph.secret)


def _key(site: Site, cluster: _Cluster) -> str:
    """The user's key, out of a keyring as Ceph writes it."""
    place = Path(cluster.pool.keyring)
    found = ConfigParser(interpolation=None, strict=False)
    try:
        # Ceph indents keys, which would be a line that goes on.
        found.read_string(re.sub(r"(?m)^[ \t]+", "", _text(site, cluster, "keyring", place)))
        return found[cluster.who]["key"]
    except (ConfigError, KeyError) as error:
        raise BadInput(
            f"{place} has no key of {cluster.who}",
            where=site.spec.place_of("platform", "volumes", "backends", cluster.index, "keyring"),
            hint=f"`ceph auth get {cluster.who}` writes such a file",
        ) from error


def _text(site: Site, cluster: _Cluster, key: str, place: Path) -> str:
    try:
        return place.read_text()
    except OSError as error:
        raise BadInput(
            f"{place} cannot be read: {error.strerror}",
            where=site.spec.place_of("platform", "volumes", "backends", cluster.index, key),
        ) from error
