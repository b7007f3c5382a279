"""Ceph for its clients: copies clusters' configuration and keys to where the cloud's programs read them.

To Cinder and os-brick, each backend is a cluster with the backend's name: its files are in /etc/ceph of the cloud's
namespace, where such programs look for them. QEMU gets the key from libvirt, which stores it as a secret.
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
from onestack.platform import managed_ceph
from onestack.spec.backends import CephPool

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

FOLDER = "ceph"
MANAGED = f"{FOLDER}/{managed_ceph.NAME}.conf"
SECRETS = "libvirt/secrets"
READS = (f"{ETC}/{FOLDER}", f"{ETC}/{SECRETS}")
"""The folders that programs which use Ceph read."""
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
    """A backend that is a Ceph pool. `index`: its position in the spec; `secret`: the UUID of libvirt's secret."""

    index: int
    name: str
    pool: CephPool
    secret: str

    @property
    def who(self) -> str:
        return f"client.{self.pool.user}"


def files(site: Site) -> dict[str, str]:
    """The files of all clusters: path below the cloud's etc -> text. Raises BadInput with the spec's line."""
    result: dict[str, str] = {}
    for each in _clusters(site):
        key = _key(site, each)
        # The name by which librados and os-brick find a cluster's key.
        result[f"{FOLDER}/{each.name}.{each.who}.keyring"] = f"[{each.who}]\n\tkey = {key}\n"
        # Ceph's own configuration may name another path for the keyring.
        conf = _text(site, each, "conf", Path(each.pool.conf))
        result[f"{FOLDER}/{each.name}.conf"] = re.sub(r"(?m)^[ \t]*keyring[ \t]*=.*\n?", "", conf)
        result |= _libvirt_secret(each.secret, each.who, each.name, key)
    return result | _managed(site)


def _managed(site: Site) -> dict[str, str]:
    """Those of the managed cluster."""
    view = site.view
    if view.cloud.ceph is None:
        return {}
    found = managed_ceph.client_files(view)
    if not managed_ceph.guests(view):
        return found
    user, secrets = managed_ceph.CINDER, view.cloud.secrets
    key = managed_ceph.key(secrets[user.secret], user.entity)
    ident = managed_ceph.libvirt_secret(secrets)
    return found | _libvirt_secret(ident, user.entity, managed_ceph.NAME, key)


def _libvirt_secret(ident: str, who: str, name: str, key: str) -> dict[str, str]:
    return {
        f"{SECRETS}/{ident}.xml": _SECRET.format(uuid=ident, who=who, name=name),
        f"{SECRETS}/{ident}.base64": key,
    }


def write(site: Site, wanted: Mapping[str, str]) -> None:
    """Write these files, and delete those of clusters that are no longer used."""
    for folder in (FOLDER, SECRETS):
        path = site.paths.etc / folder
        for file in path.iterdir() if path.exists() else ():
            if f"{folder}/{file.name}" not in wanted:
                file.unlink()
    for name, text in wanted.items():
        file = site.paths.etc / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(file, text)
    # QEMU, which does not run as root, finds monitors and times in it; it contains no secrets.
    if (conf := site.paths.etc / MANAGED).exists():
        conf.parent.chmod(0o711)
        conf.chmod(0o644)


def check_access(site: Site, node: Node, emit: Emit) -> None:
    """Raise PermanentError, with Ceph's error output, for a cluster whose user has no access to the pool."""
    for each in _clusters(site):
        with step(f"Ceph for {each.name}", emit) as at:
            try:
                images = node.inside(
                    ["rbd", "ls", "--pool", each.pool.name, "--cluster", each.name, "--name", each.who],
                    seconds=ANSWER_SECONDS,
                )
            except CommandFailed as failed:
                raise PermanentError(
                    f"the Ceph pool '{each.pool.name}' of the backend '{each.name}' cannot be used",
                    detail="\n".join(filter(None, [failed.summary, failed.detail])),
                    where=site.spec.place_of("platform", "volumes", "backends", each.index),
                    hint=f"check that Ceph is reachable from this host, that the pool exists, and that {each.who} has"
                    " the capabilities `mon 'profile rbd'` and `osd 'profile rbd pool=…'`",
                ) from failed
            at.outcome = f"pool {each.pool.name}, {len(images.split())} images"


def _clusters(site: Site) -> Iterator[_Cluster]:
    if "block-storage" not in site.view.cloud.services:
        return
    pairs = zip(site.spec.platform.backends, site.view.cloud.volume_backends, strict=True)
    for index, (wanted, backend) in enumerate(pairs):
        if wanted.ceph and backend.ceph:
            yield _Cluster(index, wanted.name, wanted.ceph, backend.ceph.secret)


def _key(site: Site, cluster: _Cluster) -> str:
    """The user's key, from a keyring in Ceph's format."""
    file = Path(cluster.pool.keyring)
    keyring = ConfigParser(interpolation=None, strict=False)
    try:
        # Ceph indents keys; ConfigParser would take an indented line for a continuation.
        keyring.read_string(re.sub(r"(?m)^[ \t]+", "", _text(site, cluster, "keyring", file)))
        return keyring[cluster.who]["key"]
    except (ConfigError, KeyError) as error:
        raise BadInput(
            f"{file} has no key of {cluster.who}",
            where=site.spec.place_of("platform", "volumes", "backends", cluster.index, "keyring"),
            hint=f"`ceph auth get {cluster.who}` writes such a file",
        ) from error


def _text(site: Site, cluster: _Cluster, key: str, file: Path) -> str:
    try:
        return file.read_text()
    except OSError as error:
        raise BadInput(
            f"{file} cannot be read: {error.strerror}",
            where=site.spec.place_of("platform", "volumes", "backends", cluster.index, key),
        ) from error
