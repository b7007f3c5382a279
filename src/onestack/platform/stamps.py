"""Digests of the configuration that a process reads when it starts: when one changes, the process is restarted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from onestack.platform import layout
from onestack.platform.node import Node
from onestack.platform.shape import Process
from onestack.platform.site import Site

VARIABLE = "ONESTACK_CONFIG"
"""An environment variable with the digest: supervisord restarts a process whose environment changes."""


def stamps(site: Site, node: Node) -> dict[str, str]:
    """The digest of each process of a node. Files that it reads besides its own must be written already."""
    view = site.view_of(node)
    found: dict[str, str] = {}
    for one in layout.declarations(view):
        files = one.files(view)
        for each in one.processes(view):
            found[each.name] = _digits({**files, **contents(node, each.reads), **each.environment})
    return found


def stamped(site: Site, node: Node) -> list[Process]:
    """All processes of a node, with the digests in their environments."""
    known = stamps(site, node)
    return [
        replace(each, environment={**each.environment, VARIABLE: known[each.name]})
        for each in layout.processes(site.view_of(node))
    ]


def contents(node: Node, places: Sequence[str]) -> dict[str, str]:
    """The content of the files at these paths inside the namespace, and below those that are folders; missing ones
    are skipped."""
    found: dict[str, str] = {}
    for place in map(node.outside, places):
        for file in [place] if place.is_file() else sorted(place.glob("*")):
            found[str(file)] = file.read_text()
    return found


def _digits(files: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
