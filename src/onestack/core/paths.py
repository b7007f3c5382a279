"""The paths of a cloud: four folders below one root, and one cache for the machine.

Inside the cloud's mount namespace (see `onestack.host.namespace`) the same folders have fixed places, so
that no configuration file depends on the root:

    <root>/etc/onestack        /etc/onestack
    <root>/var/lib/onestack/data    /var/lib   (the folder above it is closed to all but root)
    <root>/var/log/onestack    /var/log
    <root>/run/onestack        /run
    <cache>/<release>/env      /usr/lib/onestack     (OpenStack's Python environment)
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_CACHE = Path("/var/cache/onestack")


@dataclass(frozen=True)
class Paths:
    """The folders of the cloud under `root`."""

    root: Path = Path("/")
    cache: Path = DEFAULT_CACHE

    @classmethod
    def at(cls, root: str | Path = "/", cache: str | Path | None = None) -> Paths:
        """Absolute paths from the user's input; ONESTACK_CACHE overrides the cache's path."""
        place = cache or os.environ.get("ONESTACK_CACHE") or DEFAULT_CACHE
        return cls(Path(root).resolve(), Path(place).resolve())

    @property
    def is_default(self) -> bool:
        """Whether it is the machine's default cloud."""
        return self.root == Path("/")

    @property
    def ident(self) -> str:
        """Six hexadecimal digits that tell this root from others; empty for the default root."""
        return "" if self.is_default else hashlib.sha256(str(self.root).encode()).hexdigest()[:6]

    @property
    def etc(self) -> Path:
        return self.root / "etc/onestack"

    @property
    def lib(self) -> Path:
        return self.root / "var/lib/onestack"

    @property
    def data(self) -> Path:
        """Data of the cloud's daemons, which run as several users inside the namespace; outside, only root can enter
        it."""
        return self.lib / "data"

    @property
    def log(self) -> Path:
        return self.root / "var/log/onestack"

    @property
    def run(self) -> Path:
        return self.root / "run/onestack"

    @property
    def lock(self) -> Path:
        """The lock file of commands that change the cloud.

        It is beside the cloud's folders, not in them, since it must outlive their removal.
        """
        return self.run.parent / "onestack.lock"

    def release(self, series: str) -> Path:
        """The folder with a release's base, environment and caches, which all clouds of this machine share."""
        return self.cache / series
