"""oslo.policy: what rules take is found out once, and rules are loaded when something changed.

It asks the first of each rule that it checks, for each field of each answer: a twentieth of Neutron's time.
"""

from __future__ import annotations

import functools
import inspect
import stat
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from onestack_runtime.replacements.entry import NOT_ALONE, Replacement

MOST = 2000
"""Kinds of rules."""
Files = list[tuple[Path, int]]


def _check(original: Any) -> tuple[Any, ...]:
    @functools.lru_cache(MOST)
    def takes_name(kind: Any) -> bool:
        """Whether its rules want to know, as a fourth, the name of the policy that is checked."""
        return len(inspect.getfullargspec(kind.__call__).args) > 4

    def _check(rule: Any, target: Any, creds: Any, enforcer: Any, current_rule: Any) -> Any:
        if takes_name(rule.__class__):
            return rule(target, creds, enforcer, current_rule)
        return rule(target, creds, enforcer)

    return (_check,)


def _load(load: Any) -> tuple[Any, ...]:
    known: weakref.WeakKeyDictionary[Any, tuple[Any, ...]] = weakref.WeakKeyDictionary()
    searched: weakref.WeakKeyDictionary[Any, _Searched] = weakref.WeakKeyDictionary()

    def files(enforcer: Any) -> Files:
        where = searched.get(enforcer)
        if where is None or not where.holds(enforcer):
            where = searched[enforcer] = _Searched(enforcer)
        return list(_files(where.paths))

    def load_rules(self: Any, force_reload: bool = False) -> None:
        # Before anything is read: what changes meanwhile is seen the next time.
        found = files(self)
        rules, *rest = known.get(self, (None,))
        if force_reload or rules is not self.rules or rest != [_registered(self), found]:
            load(self, force_reload)
            known[self] = (self.rules, _registered(self), found)

    return (load_rules,)


def _registered(enforcer: Any) -> tuple[int, bool]:
    """Changed by whoever registers or clears rules."""
    return len(enforcer.registered_rules), enforcer.use_conf


class _Searched:
    """Where oslo.config looks for an enforcer's policy file and folders (`ConfigOpts.find_file`)."""

    def __init__(self, enforcer: Any) -> None:
        from oslo_config import cfg

        conf = enforcer.conf
        self._namespace, self._names = conf._namespace, _names(enforcer)
        given = [cfg._fixpath(each) for each in conf._namespace._config_dirs or ()]
        beside = [str(Path(cfg._fixpath(each)).parent) for each in reversed(conf.config_file)]
        folders = (*given, *beside, *cfg._get_config_dirs(conf.project))
        self.paths = tuple(dict.fromkeys(Path(folder, name) for name in self._names for folder in folders))

    def holds(self, enforcer: Any) -> bool:
        """Whether it is still current: another namespace object means that the policy was read again."""
        return self._namespace is enforcer.conf._namespace and self._names == _names(enforcer)


def _names(enforcer: Any) -> tuple[str, ...]:
    return (enforcer.policy_file, *enforcer.conf.oslo_policy.policy_dirs)


def _files(paths: Iterable[Path], deep: bool = True) -> Iterator[tuple[Path, int]]:
    """Those that are there, and (`deep`) what is in folders, each with the time of its last change (ns)."""
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            continue
        yield path, found.st_mtime_ns
        if deep and stat.S_ISDIR(found.st_mode):
            yield from _files(sorted(path.iterdir()), deep=False)


_WORKERS = ("api", "conductor", "scheduler", "compute")
"""All but Neutron's agent. nova-compute checks whether a user may attach to an external network."""
_POLICY = "oslo_policy.policy:Enforcer"

ENTRIES = (
    Replacement(
        "policy-rule-arguments",
        ("oslo_policy._checks:_check",),
        ("nova", "neutron", "placement"),
        "performance",
        "what arguments a kind of policy rule takes is found out once, not at each check",
        _check,
        f"with the signatures that Pecan asks for, a twentieth of Neutron's time; {NOT_ALONE}",
        uses=("oslo_policy._checks:BaseCheck",),
        workers=_WORKERS,
    ),
    Replacement(
        "policy-files",
        (f"{_POLICY}.load_rules",),
        ("nova", "neutron"),
        "performance",
        "rules are merged again when a policy file or a folder of them changed, not at each check of each field "
        "of an answer",
        _load,
        NOT_ALONE,
        uses=(
            *(f"{_POLICY}.{name}" for name in ("set_rules", "clear", "register_default", "_get_policy_path")),
            "oslo_config.cfg:ConfigOpts.find_file",
            "oslo_config.cfg:_get_config_dirs",
            "oslo_config.cfg:_search_dirs",
        ),
        workers=_WORKERS,
    ),
)
