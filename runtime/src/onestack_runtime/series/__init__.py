"""What the installed series of OpenStack has otherwise than the newest one, for which the runtime is written.

Everything of one series is in one module of this package, `v2026_1`, which is loaded where that series is installed.
A series without a module differs in nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

NOVA, YEAR = 33, 2026
"""Nova's major version in 2026.1. It grows by one with each series, of which there are two a year."""


def _cinder_threads() -> None:
    from cinder import monkey_patch

    monkey_patch.patch(backend="threading")


def _nova_drains(service: Any) -> None:
    service.manager.set_shutdown_in_progress()


def _nova_finishes(service: Any, seconds: float) -> None:
    service.manager._wait_for_in_progress_tasks(seconds)


@dataclass(frozen=True)
class Series:
    """The defaults are what holds for the newest series."""

    name: str
    digests: Mapping[str, str] = field(default_factory=dict)
    """Digests of upstream's code that differ from `replacements.digests`; the replacements were compared with it."""
    off: Mapping[str, str] = field(default_factory=dict)
    """Replacements that are not installed -> why."""
    imports_eventlet: bool = False
    """Whether projects import eventlet although they do not use it: it must not be blocked."""
    boot_server: Mapping[str, Any] = field(default_factory=lambda: {"prog": "neutron-api"})
    """Arguments of `neutron.server.boot_server`."""
    cinder_threads: Callable[[], None] = _cinder_threads
    """Has Cinder work with native threads; called before anything else of OpenStack is imported."""
    before_maintenance: Callable[[Any], None] = lambda driver: None
    """Called with Neutron's OVN driver before its maintenance starts."""
    nova_drains: Callable[[Any], None] = _nova_drains
    """Tells one of Nova's services that it is about to stop."""
    nova_finishes: Callable[[Any, float], None] = _nova_finishes
    """Waits, so many seconds at most, for the work that one of Nova's services has in progress."""


def named(nova: str) -> str:
    """The series of a version of Nova: `33.0.2` is of 2026.1."""
    years, second = divmod(int(nova.partition(".")[0]) - NOVA, 2)
    return f"{YEAR + years}.{second + 1}"


def of(name: str) -> Series:
    """A series by its name."""
    module = f"{__name__}.v{name.replace('.', '_')}"
    if importlib.util.find_spec(module) is None:
        return Series(name)
    found: Series = importlib.import_module(module).SERIES
    return found


@cache
def here() -> Series:
    """The series that is installed; one that differs in nothing where there is no OpenStack, as in tests."""
    try:
        return of(named(version("nova")))
    except PackageNotFoundError:
        return Series("")
