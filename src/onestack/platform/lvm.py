"""Checks that the volume groups of Cinder's LVM backends exist on the host, before Cinder starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.host.command import run

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

STEP = "volume groups"


def check_groups(site: Site, node: Node, emit: Emit) -> None:
    """Raise PermanentError, with LVM's error output, for a volume group that cannot be used."""
    if "block-storage" not in site.view.cloud.services:
        return
    for index, backend in enumerate(site.view.cloud.volume_backends):
        if backend.group is None:
            continue
        with step(f"volume group for {backend.name}", emit) as at:
            columns = "vg_name,vg_size,vg_free"
            try:
                found = run(["vgs", "--noheadings", "--options", columns, backend.group], seconds=30)
            except PermanentError as error:
                raise PermanentError(
                    f"the volume group '{backend.group}' of the backend '{backend.name}' cannot be used",
                    detail="\n".join(filter(None, [error.summary, error.detail])),
                    where=site.spec.place_of("platform", "volumes", "backends", index),
                    hint="this machine needs lvm2, thin-provisioning-tools, and the group (`vgcreate`)",
                ) from error
            at.outcome = " ".join(found.split())
