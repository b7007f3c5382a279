"""The choices made for a host: hypervisor, datapath, network; and the parts of the release that it runs."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from onestack.core.paths import Paths
from onestack.host.files import replace_file
from onestack.platform.view import Datapath, VirtType
from onestack.spec.model import Spec


@dataclass(frozen=True)
class Choices:
    """The choices made for a host, stored so that later commands see the same cloud.

    `base`, `environment`, `runtime`, `dashboard`: folders in the cache. `reasons`: why, in words, for each choice.
    """

    host: str
    virt_type: VirtType
    datapath: Datapath
    isolated: bool
    base: str
    environment: str
    runtime: str
    reasons: dict[str, str]
    dashboard: str | None = None
    dns_servers: tuple[str, ...] = ()
    """What subnets hand out: the spec's, or the host's own."""
    trees: dict[str, str] = field(default_factory=dict)
    """Folders in the cache too: the trees beside the base that its processes need, by name."""

    @property
    def series(self) -> str:
        """The OpenStack series whose packages it runs: each has its own folder in the cache."""
        return Path(self.environment).parent.name

    def save(self, file: Path) -> None:
        replace_file(file, json.dumps(dataclasses.asdict(self), indent=1))

    @classmethod
    def load(cls, file: Path) -> Choices:
        kept = json.loads(file.read_text())
        return cls(**{**kept, "dns_servers": tuple(kept.get("dns_servers", ()))})


def choices_file(paths: Paths) -> Path:
    return paths.etc / "choices.json"


def with_its_release(spec: Spec, chosen: Choices) -> Spec:
    """The spec of a cloud; where it names no release, the one that the cloud runs, and not the newest there is."""
    platform = spec.platform
    if "release" in platform.model_fields_set or chosen.series in (platform.release, ""):
        return spec
    return spec.model_copy(update={"platform": platform.model_copy(update={"release": chosen.series})})
