"""The spec's section on backups: where they are stored, how often, and how many are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from onestack.language.quantities import Duration
from onestack.language.types import Bool, File, Int, Problem, Section, example

if TYPE_CHECKING:
    from onestack.spec.model import Spec

Count = Annotated[Int, Field(ge=0, le=10000)]


class Keep(Section):
    """How many backups are kept: the last one of each of so many days, weeks and months, and the last few."""

    model_config = example("""\
platform:
  backup: {to: /srv/backup, keep: {daily: 7, weekly: 4, monthly: 6}}
""")

    last: Count = 1
    """The last ones, whenever they were made."""
    daily: Count = 7
    """One of each of the last days with backups."""
    weekly: Count = 4
    """One of each of the last weeks with backups."""
    monthly: Count = 0
    """One of each of the last months with backups."""

    def problems(self) -> Iterator[Problem]:
        if not (self.last or self.daily or self.weekly or self.monthly):
            yield Problem("no backup would be kept", "at least one, e.g. last: 1")

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {"last": self.last, "daily": self.daily, "weekly": self.weekly, "monthly": self.monthly}


class Backup(Section):
    """Backups of the whole cloud, which its keeper makes while it serves. For a cloud of one host."""

    model_config = example("""\
platform:
  backup: {to: /srv/backup, every: 12h}
""")

    to: File
    """The folder they are stored in, encrypted; it should be on another disk. It is created if it does not exist."""
    every: Duration = Field(default=86400.0, json_schema_extra={"x-default": "`1d`"})
    """The time from one to the next, 10m to 30d."""
    keep: Keep = Keep()
    """How many are kept; the others are deleted after each backup."""
    guests: Bool = True
    """Whether servers' own disks are in them. Without, a restored server has to be rebuilt from its image."""

    def problems(self) -> Iterator[Problem]:
        if not 600 <= self.every <= 30 * 86400:
            yield Problem(
                f"{self.every:g} s is not a valid time between backups", "10m to 30d", path=("every",)
            )


def unsupported(spec: Spec) -> tuple[str, tuple[str | int, ...]] | None:
    """What of a spec no backup can hold yet, in words, and where it is written; None if all can."""
    platform = spec.platform
    if len(spec.hosts) > 1:
        return "a cloud of several hosts", ("hosts",)
    if platform.storage.ceph:
        return "images, volumes and servers' disks in a Ceph cluster", ("platform", "storage", "ceph")
    if "block-storage" in platform.services:
        kinds = {
            "rbd": "volumes in a Ceph cluster",
            "ceph": "volumes in a Ceph cluster",
            "lvm": "volumes in LVM",
        }
        for index, each in enumerate(platform.backends):
            if each.driver in kinds:
                what = f"{kinds[each.driver]} (the backend '{each.name}')"
                return what, ("platform", "volumes", "backends", index, "driver")
    return None


def problems(spec: Spec) -> Iterator[Problem]:
    """A spec with backups of what they cannot hold."""
    if spec.platform.backup is not None and (found := unsupported(spec)):
        yield Problem(
            f"backups of {found[0]} are not supported yet",
            "one host, volumes in files; or leave platform.backup out",
            path=("platform", "backup"),
        )
