"""The spec's section on volume backends: files, volume groups of the machine, pools of a Ceph cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field

from onestack.language.types import File, Name, Problem, Section, example, pattern, text_schema

_CEPH_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_CEPH_WORDS = "letters, digits, . _ -"
CephName = Annotated[
    str, pattern(_CEPH_NAME, _CEPH_WORDS), text_schema(_CEPH_WORDS, pattern=f"^{_CEPH_NAME}$")
]

_GROUP_NAME = r"(?!\.)[A-Za-z0-9_.+][A-Za-z0-9_.+-]{0,126}"
_GROUP_WORDS = "a volume group's name: letters, digits, . _ + -"
GroupName = Annotated[
    str, pattern(_GROUP_NAME, _GROUP_WORDS), text_schema(_GROUP_WORDS, pattern=f"^{_GROUP_NAME}$")
]

# Key of a backend -> the driver that has it.
_OF_DRIVERS = {"volume_group": "lvm", **dict.fromkeys(("pool", "user", "conf", "keyring"), "rbd")}

# Each backend is a section of cinder.conf, where these names have other meanings.
_SECTIONS = ("backend", "coordination", "database", "default", "nova")


@dataclass(frozen=True)
class CephPool:
    """A pool of a Ceph cluster, with the files that are needed to connect to it."""

    name: str
    user: str
    conf: PurePosixPath
    keyring: PurePosixPath


class Backend(Section):
    """A Cinder backend: a place where volumes are stored."""

    model_config = example("""\
platform:
  volumes:
    backends:
      - name: fast
      - {name: large, driver: rbd, pool: volumes, user: cinder}
""")

    name: Name
    """The name of the backend and of its volume type."""
    driver: Literal["file", "lvm", "rbd", "ceph"] = "file"
    """`file`: each volume is a qcow2 file in a folder of the cloud. `lvm`: a thin logical volume of the machine.
    `rbd`: an image in a pool of a Ceph cluster that exists already. `ceph`: in the cloud's own one
    (`platform.storage`)."""
    volume_group: GroupName | None = None
    """`lvm`: the volume group. It must exist, and should be used for nothing else."""
    pool: CephName | None = Field(default=None, json_schema_extra={"x-default": "`volumes`, with `rbd`"})
    """`rbd`: the pool."""
    user: CephName | None = Field(default=None, json_schema_extra={"x-default": "`cinder`, with `rbd`"})
    """`rbd`: the Ceph user, without the prefix `client.`."""
    conf: File | None = Field(
        default=None, json_schema_extra={"x-default": "`/etc/ceph/ceph.conf`, with `rbd`"}
    )
    """`rbd`: Ceph's configuration, which names its monitors. `up` copies it."""
    keyring: File | None = Field(
        default=None, json_schema_extra={"x-default": "`ceph.client.USER.keyring` beside `conf`, with `rbd`"}
    )
    """`rbd`: the file with the user's key. `up` copies it."""

    def problems(self) -> Iterator[Problem]:
        for key, driver in _OF_DRIVERS.items():
            if self.driver != driver and getattr(self, key) is not None:
                yield Problem(f"'{key}' is not supported here", f"with 'driver: {driver}'", path=(key,))
        if self.driver == "lvm" and self.volume_group is None:
            yield Problem("'lvm' without 'volume_group'", "a volume group of this machine", path=("driver",))

    @property
    def shared(self) -> bool:
        """Whether all hosts reach its volumes."""
        return self.driver in ("rbd", "ceph")

    @property
    def ceph(self) -> CephPool | None:
        """The Ceph pool of an `rbd` backend."""
        if self.driver != "rbd":
            return None
        user, conf = self.user or "cinder", self.conf or PurePosixPath("/etc/ceph/ceph.conf")
        keyring = self.keyring or conf.parent / f"ceph.client.{user}.keyring"
        return CephPool(self.pool or "volumes", user, conf, keyring)


class Volumes(Section):
    """Block storage."""

    model_config = example("""\
platform:
  volumes:
    backends: [{name: fast}, {name: archive}]   # volumes are of the type `fast` unless they say otherwise
""")

    backends: tuple[Backend, ...] = Field(
        default=(Backend(name="file"),),
        json_schema_extra={"x-default": "`file`, or with `storage.ceph` a backend `ceph`"},
    )
    """The backends; each has a volume type of its name, the first is the default."""

    @property
    def drivers(self) -> frozenset[str]:
        """All drivers in use."""
        return frozenset(backend.driver for backend in self.backends)

    def problems(self) -> Iterator[Problem]:
        names = [backend.name for backend in self.backends]
        if not names:
            yield Problem("no backend is left", "at least one", path=("backends",))
        for index, name in enumerate(names):
            if name in _SECTIONS:
                yield Problem(
                    f"'{name}' is reserved by Cinder", "another name", path=("backends", index, "name")
                )
            if name in names[:index]:
                yield Problem(
                    f"two backends are called '{name}'", "a name of its own", path=("backends", index)
                )


def managed_problems(backends: Sequence[Backend], managed: bool) -> Iterator[Problem]:
    """Backends in the managed Ceph: at most one, and none without it. `managed`: whether the cloud has it."""
    found = [index for index, each in enumerate(backends) if each.driver == "ceph"]
    path = ("volumes", "backends")
    if found and not managed:
        yield Problem(
            "'driver: ceph' without a managed Ceph",
            "platform.storage: {ceph: managed}, or 'driver: rbd' for a cluster that exists already",
            path=(*path, found[0], "driver"),
        )
    if len(found) > 1:
        yield Problem("two backends in the managed Ceph", "one of them", path=(*path, found[1]))
    for index, each in enumerate(backends):
        # To Ceph's programs a backend is a cluster of its name, and the managed one is called ceph.
        if managed and each.driver == "rbd" and each.name == "ceph":
            yield Problem("'ceph' is the managed cluster's name", "another name", path=(*path, index, "name"))
