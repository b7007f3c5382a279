"""What a control host needs to become the leader where the leader is lost: what the leader alone has, in one file on
each control host.

These are the spec with its tenants, all secrets, the key of the cloud's CA with the hosts' certificates, and the
passwords of users that the spec names. They are given by each `up`, and after each `apply` that changed them. What is
stored on the leader's disk alone is not in it: images and volumes in files, metrics.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection
from dataclasses import replace

from ruamel.yaml import YAML

from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.host.files import replace_private
from onestack.platform import site
from onestack.platform.hosts import known
from onestack.platform.site import Site
from onestack.spec import Spec, loads

FILE = "succession.json"
GIVEN = "succession.given"
"""On the leader: a digest of what the others were given last, and who had it."""
_FILES = ("secrets.json", "tls/authority.pem", "tls/hosts/*.pem", "passwords/*", "scaling/*")
"""Beside the spec; below etc."""


def text(paths: Paths) -> str:
    """What the others are given. Call it on the leader."""
    spec = site.spec_file(paths)
    files = sorted({spec, *(file for each in _FILES for file in paths.etc.glob(each) if file.is_file())})
    found = {str(file.relative_to(paths.etc)): file.read_text() for file in files}
    return json.dumps({"files": found}, sort_keys=True)


def receive(paths: Paths, given: str) -> None:
    """Keep it on this host."""
    replace_private(paths.etc / FILE, given)


def is_given(paths: Paths, given: str, others: Collection[str]) -> bool:
    """Whether these hosts have it, as far as the leader remembers."""
    file = paths.etc / GIVEN
    return file.exists() and file.read_text() == _mark(given, others)


def remember(paths: Paths, given: str, others: Collection[str]) -> None:
    """Note, on the leader, that these hosts have it."""
    replace_private(paths.etc / GIVEN, _mark(given, others))


def _mark(given: str, others: Collection[str]) -> str:
    return f"{hashlib.sha256(given.encode()).hexdigest()} {' '.join(sorted(others))}\n"


def spec(found: Site) -> Spec:
    """The cloud's spec with this host as the leader. Raises BadInput where this host cannot become it."""
    return loads(_files(found)[site.spec_file(found.paths).name], str(site.spec_file(found.paths)))


def take(found: Site, lost: Collection[str]) -> None:
    """Make this host the leader, and note that `lost` are given up.

    The last write is the list of hosts: cut off before it, the old leader still leads.
    """
    kept = known.load(found.paths)
    assert kept is not None
    for name, content in _files(found).items():
        file = found.paths.etc / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(file, content)
    hosts = tuple(replace(each, given_up=each.given_up or each.name in lost) for each in kept.hosts)
    known.save(found.paths, known.Hosts(found.here.name, hosts, kept.generation + 1))


def _files(found: Site) -> dict[str, str]:
    """All files by their names below etc, the spec with this host before the other control hosts. Raises BadInput."""
    file, name, hint = found.paths.etc / FILE, found.here.name, f"run the command on {found.lead}"
    if "control" not in found.here.roles:
        raise BadInput(f"{name} is no control host: it cannot lead the cloud", hint=hint)
    if not file.exists():
        raise BadInput(f"{name} was given nothing by the leader yet: it cannot lead the cloud", hint=hint)
    files: dict[str, str] = json.loads(file.read_text())["files"]
    stored = site.spec_file(found.paths).name
    return {**files, stored: with_first(files[stored], name)}


def with_first(spec_text: str, name: str) -> str:
    """A spec's text with a host as the first one: the first control host leads. Pure."""
    yaml = YAML()
    data = yaml.load(spec_text)
    data["hosts"].sort(key=lambda each: each["name"] != name)
    written = io.StringIO()
    yaml.dump(data, written)
    return written.getvalue()
