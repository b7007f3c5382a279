"""oslo.policy: the signatures of rules are cached, and policy files are loaded only after a change.

Upstream inspects the signature of every rule that it checks, for each field of each response: a twentieth of
Neutron's time.
"""

from __future__ import annotations

import functools
import inspect
import stat
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from onestack_runtime.replacements.entry import Replacement, of_server

CACHE_SIZE = 2000
"""How many classes of rules are cached."""
Files = list[tuple[Path, int]]
"""Paths of files and folders, each with its time of modification (ns)."""


def _check(original: Any) -> tuple[Any, ...]:
    @functools.lru_cache(CACHE_SIZE)
    def takes_name(rule_class: Any) -> bool:
        """Whether such a rule takes a fourth argument, the name of the policy that is checked."""
        return len(inspect.getfullargspec(rule_class.__call__).args) > 4

    def _check(rule: Any, target: Any, creds: Any, enforcer: Any, current_rule: Any) -> Any:
        if takes_name(rule.__class__):
            return rule(target, creds, enforcer, current_rule)
        return rule(target, creds, enforcer)

    return (_check,)


def _load(upstream: Any) -> tuple[Any, ...]:
    loaded: weakref.WeakKeyDictionary[Any, tuple[Any, ...]] = weakref.WeakKeyDictionary()
    search_paths: weakref.WeakKeyDictionary[Any, _SearchPath] = weakref.WeakKeyDictionary()

    def files(enforcer: Any) -> Files:
        search_path = search_paths.get(enforcer)
        if search_path is None or not search_path.is_current(enforcer):
            search_path = search_paths[enforcer] = _SearchPath(enforcer)
        return list(_existing(search_path.paths))

    def load_rules(self: Any, force_reload: bool = False) -> None:
        # Listed before the files are read: a change during the read is found at the next call.
        listed = files(self)
        rules, *rest = loaded.get(self, (None,))
        if force_reload or rules is not self.rules or rest != [_registrations(self), listed]:
            upstream(self, force_reload)
            loaded[self] = (self.rules, _registrations(self), listed)

    return (load_rules,)


def _registrations(enforcer: Any) -> tuple[int, bool]:
    """A value that changes when rules are registered or cleared."""
    return len(enforcer.registered_rules), enforcer.use_conf


class _SearchPath:
    """Where oslo.config looks for an enforcer's policy file and folders (`ConfigOpts.find_file`)."""

    def __init__(self, enforcer: Any) -> None:
        from oslo_config import cfg

        conf = enforcer.conf
        self._namespace, self._names = conf._namespace, _names(enforcer)
        config_dirs = [cfg._fixpath(each) for each in conf._namespace._config_dirs or ()]
        beside_files = [str(Path(cfg._fixpath(each)).parent) for each in reversed(conf.config_file)]
        folders = (*config_dirs, *beside_files, *cfg._get_config_dirs(conf.project))
        self.paths = tuple(dict.fromkeys(Path(folder, name) for name in self._names for folder in folders))

    def is_current(self, enforcer: Any) -> bool:
        """False after oslo.config has read its files again, which creates a new namespace object."""
        return self._namespace is enforcer.conf._namespace and self._names == _names(enforcer)


def _names(enforcer: Any) -> tuple[str, ...]:
    return (enforcer.policy_file, *enforcer.conf.oslo_policy.policy_dirs)


def _existing(paths: Iterable[Path], deep: bool = True) -> Iterator[tuple[Path, int]]:
    """The paths that exist and (`deep`) the contents of folders, each with its time of modification (ns)."""
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            continue
        yield path, status.st_mtime_ns
        if deep and stat.S_ISDIR(status.st_mode):
            yield from _existing(sorted(path.iterdir()), deep=False)


_WORKERS = ("api", "conductor", "scheduler", "compute")
"""All but Neutron's agent. nova-compute checks whether a user may attach to an external network."""
_POLICY = "oslo_policy.policy:Enforcer"

ENTRIES = (
    Replacement(
        "policy-rule-arguments",
        ("oslo_policy._checks:_check",),
        ("nova", "neutron", "placement"),
        "performance",
        "the signature of a class of policy rules is inspected once, not at each check",
        _check,
        of_server("2.0 ± 0.4", "3.4 ± 0.8"),
        uses=("oslo_policy._checks:BaseCheck",),
        workers=_WORKERS,
    ),
    Replacement(
        "policy-files",
        (f"{_POLICY}.load_rules",),
        ("nova", "neutron"),
        "performance",
        "rules are loaded and merged again after a policy file or folder has changed, not at each check of each "
        "field of a response",
        _load,
        of_server("2.1 ± 0.4", "0.8 ± 0.8"),
        uses=(
            *(f"{_POLICY}.{name}" for name in ("set_rules", "clear", "register_default", "_get_policy_path")),
            "oslo_config.cfg:ConfigOpts.find_file",
            "oslo_config.cfg:_get_config_dirs",
            "oslo_config.cfg:_search_dirs",
        ),
        workers=_WORKERS,
    ),
)
