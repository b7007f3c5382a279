"""Digits that change with the configuration a process reads when it starts: it is started anew when they do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from onestack.platform import catalogue
from onestack.platform.shape import Process
from onestack.platform.site import Site

VARIABLE = "ONESTACK_CONFIG"
"""In a process's environment: supervisord starts anew what has another one."""


def stamps(site: Site) -> dict[str, str]:
    """For each process of the cloud, its digits. What it reads beside its own files must be written already."""
    found: dict[str, str] = {}
    for one in catalogue.declarations(site.view):
        files = one.files(site.view)
        for each in one.processes(site.view):
            found[each.name] = _digits({**files, **contents(site, each.reads), **each.environment})
    return found


def stamped(site: Site) -> list[Process]:
    """Every process of the cloud, with its digits in its environment."""
    known = stamps(site)
    return [
        replace(each, environment={**each.environment, VARIABLE: known[each.name]})
        for each in catalogue.processes(site.view)
    ]


def contents(site: Site, places: Sequence[str]) -> dict[str, str]:
    """The files at places inside the namespace, and below those that are folders; not those that are not there."""
    found: dict[str, str] = {}
    for place in map(site.outside, places):
        for file in [place] if place.is_file() else sorted(place.glob("*")):
            found[str(file)] = file.read_text()
    return found


def _digits(files: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
