"""Tests that are known to fail on a release for reasons of upstream, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from onestack.core.errors import PermanentError

FILE = "known_failures.yaml"


def load(file: Path) -> Mapping[str, str]:
    """Reason by test, from a list of groups with the keys `reason` and `tests`; empty if there is no file.

    Raises PermanentError for anything else in it.
    """
    if not file.exists():
        return {}
    try:
        groups = YAML(typ="safe").load(file.read_text()) or []
        pairs = [(str(test), str(group["reason"]).strip()) for group in groups for test in group["tests"]]
    except (YAMLError, KeyError, TypeError) as error:
        raise PermanentError(
            "known failures cannot be read",
            where=str(file),
            detail=f"{type(error).__name__}: {error}",
            hint="it is a list of groups, each with `reason` and a list of `tests`",
        ) from error
    found = dict(pairs)
    if len(found) < len(pairs) or not all(found.values()):
        raise PermanentError("a known failure is listed twice, or has no reason", where=str(file))
    return found
