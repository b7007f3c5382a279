"""A Ceph cluster that keeps volumes: its configuration and the user's key, taken to where the cloud reads them.

Each backend is a cluster of its name to Cinder and to what copies volumes for it: its files are in /etc/ceph of the
namespace, where such programs look. Guests' QEMU is told by libvirt, which keeps the key as a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, step
from onestack.host.command import CommandFailed
from onestack.host.files import replace_private
from onestack.platform.shape import Ceph
from onestack.platform.site import Site
from onestack.spec.platform import Backend

FOLDER = "ceph"
SECRETS = "libvirt/secrets"
ANSWER_SECONDS = 30.0

_SECRET = """\
<secret ephemeral='no' private='yes'>
  <uuid>{uuid}</uuid>
  <usage type='ceph'><name>client.{user} of {name}</name></usage>
</secret>
"""


def files(site: Site) -> dict[str, str]:
    """What is read of every cluster: path below the cloud's etc -> text. Raises BadInput with the spec's line."""
    found: dict[str, str] = {}
    for index, backend, ceph in _clusters(site):
        key = _key(site, index, backend)
        # By this name librados and os-brick find a cluster's key.
        found[f"{FOLDER}/{backend.name}.client.{ceph.user}.keyring"] = (
            f"[client.{ceph.user}]\n\tkey = {key}\n"
        )
        # Where Ceph's own configuration has keys is elsewhere.
        conf = _text(site, index, "conf", Path(backend.conf))
        found[f"{FOLDER}/{backend.name}.conf"] = re.sub(r"(?m)^[ \t]*keyring[ \t]*=.*\n?", "", conf)
        secret = _SECRET.format(uuid=ceph.secret, user=ceph.user, name=backend.name)
        found[f"{SECRETS}/{ceph.secret}.xml"] = secret
        found[f"{SECRETS}/{ceph.secret}.base64"] = key
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


def demand_answer(site: Site, emit: Emit) -> None:
    """Raise PermanentError, with Ceph's own words, for a cluster that does not let its user into the pool."""
    for _, backend, ceph in _clusters(site):
        with step(f"Ceph for {backend.name}", emit) as said:
            words = ("--cluster", backend.name, "--name", f"client.{ceph.user}")
            limits = ("--rados-mon-op-timeout=15", "--rados-osd-op-timeout=15")
            try:
                held = site.inside(
                    ["rbd", "ls", "--pool", ceph.pool, *words, *limits], seconds=ANSWER_SECONDS
                )
            except CommandFailed as failed:
                raise PermanentError(
                    f"the Ceph pool '{ceph.pool}' of the backend '{backend.name}' cannot be used",
                    detail="\n".join(filter(None, [failed.summary, failed.detail])),
                    where=str(backend.conf),
                    hint=f"is Ceph reached from here, is there the pool, and has client.{ceph.user} the"
                    " capabilities `mon 'profile rbd'` and `osd 'profile rbd pool=…'`?",
                ) from failed
            said.outcome = f"pool {ceph.pool}, {len(held.split())} images"


def _clusters(site: Site) -> Iterator[tuple[int, Backend, Ceph]]:
    if "block-storage" not in site.view.services:
        return
    pairs = zip(site.spec.platform.volumes.backends, site.view.volume_backends, strict=True)
    for index, (wanted, seen) in enumerate(pairs):
        if seen.ceph:
            yield index, wanted, seen.ceph


def _key(site: Site, index: int, backend: Backend) -> str:
    """The user's key, out of a keyring as Ceph writes it."""
    place = Path(backend.key_file)
    found = ConfigParser(interpolation=None, strict=False)
    try:
        # Ceph indents keys, which would be a line that goes on.
        found.read_string(re.sub(r"(?m)^[ \t]+", "", _text(site, index, "keyring", place)))
        return found[f"client.{backend.user}"]["key"]
    except (ConfigError, KeyError) as error:
        raise BadInput(
            f"{place} has no key of client.{backend.user}",
            where=site.spec.place_of("platform", "volumes", "backends", index, "keyring"),
            hint=f"`ceph auth get client.{backend.user}` writes such a file",
        ) from error


def _text(site: Site, index: int, key: str, place: Path) -> str:
    try:
        return place.read_text()
    except OSError as error:
        raise BadInput(
            f"{place} cannot be read: {error.strerror}",
            where=site.spec.place_of("platform", "volumes", "backends", index, key),
        ) from error
