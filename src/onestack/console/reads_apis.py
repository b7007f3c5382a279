"""What pages show by asking OpenStack's APIs: by the same Python API as the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onestack.autoscaling.autoscaler import journal
from onestack.cloud import Cloud
from onestack.console import plans
from onestack.core.paths import Paths
from onestack.observe import objects


class Reads:
    """The reads of one cloud, for any thread."""

    def __init__(self, paths: Paths) -> None:
        self._cloud = Cloud(paths.root, cache=paths.cache)

    def groups(self) -> Any:
        """The scaling groups with their last decisions."""
        found = []
        for group in self._cloud.scaling_groups.groups():
            record = group.record
            file = journal.file_of(self._cloud.paths.log, record.project, record.name)
            found.append({**group.as_dict(), "title": group.title, "history": list(journal.read(file, 200))})
        return found

    def why(self, kind: str, word: str) -> Any:
        """What stands in the way of an object."""
        objects.require_known(kind)
        return self._cloud.why(kind, word).as_dict()

    def plan(self, file: str, prune: bool = False, adopt: bool = False, drift: bool = False) -> Any:
        """The plan of a spec; it is kept, so that exactly it can be applied."""
        return plans.make(self._cloud, Path(file) if file else None, prune=prune, adopt=adopt, drift=drift)
