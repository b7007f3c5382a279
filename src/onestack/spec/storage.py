"""What keeps data: volume types, volumes, snapshots, backups."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from onestack.language.types import Bool, Problem, Text, example
from onestack.language.words import (
    Counted,
    ImageRef,
    Named,
    Size,
    SnapshotRef,
    Texts,
    VolumeRef,
    VolumeTypeRef,
)


class VolumeType(Named):
    """A kind of volume that tenants may choose."""

    model_config = example("""\
volume_types:
  - {name: fast, extra_specs: {volume_backend_name: ssd}}
""")

    description: Text = ""
    """What it is for."""
    extra_specs: Texts = Field(default_factory=dict)
    """What volumes of it need of the back end."""
    public: Bool = True
    """Whether every tenant may use it."""


class Volume(Counted):
    """A disk that outlives servers."""

    model_config = example("""\
tenants:
  - name: shop
    volumes:
      - {name: data, size: 10}
      - {name: system, size: 2, image: tiny}
    snapshots: [{name: before, volume: data}]
""")

    size: Size
    """Its size, in GiB; it may grow, never shrink."""
    type: VolumeTypeRef | None = None
    """Its volume type; unless said the platform's own."""
    image: ImageRef | None = None
    """The image it is made from."""
    snapshot: SnapshotRef | None = None
    """The snapshot it is made from."""
    source: VolumeRef | None = None
    """The volume it is a copy of."""
    metadata: Texts = Field(default_factory=dict)
    """What is known of it."""
    description: Text = ""
    """What it is for."""

    def problems(self) -> Iterator[Problem]:
        given = [key for key in ("image", "snapshot", "source") if getattr(self, key)]
        if len(given) > 1:
            yield Problem(f"both '{given[0]}' and '{given[1]}'", "one origin", path=(given[1],))


class Snapshot(Named):
    """A volume as it was when this was made."""

    model_config = example("""\
tenants:
  - name: shop
    volumes: [{name: data, size: 1}]
    snapshots: [{name: before-upgrade, volume: data}]
""")

    volume: VolumeRef
    """The volume."""
    description: Text = ""
    """What it is for."""


class Backup(Named):
    """A copy of a volume outside of it."""

    model_config = example("""\
tenants:
  - name: shop
    volumes: [{name: data, size: 1}]
    backups: [{name: weekly, volume: data}]
""")

    volume: VolumeRef
    """The volume."""
    description: Text = ""
    """What it is for."""
