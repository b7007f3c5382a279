"""Plans that the console shows; each is kept in a file that only root can read, so that exactly it can be applied."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any

from onestack.cloud import Cloud
from onestack.console.places import plan_file, plans_folder
from onestack.host.files import replace_private
from onestack.platform.site import spec_file
from onestack.workloads.plan.document import as_data

KEPT_SECONDS = 24 * 3600.0


def make(cloud: Cloud, file: Path | None, *, prune: bool, adopt: bool, drift: bool) -> dict[str, Any]:
    """The plan of a spec as data, with the id by which it is kept. `file`: None for the applied spec.

    `drift`: what somebody changed by hand. Raises BadInput, BadSpec.
    """
    spec = file or spec_file(cloud.paths)
    plan = cloud.drift(spec) if drift else cloud.plan(spec, prune=prune, adopt=adopt)
    data = as_data(plan)
    if drift or plan.empty:
        return data
    forget_old(cloud)
    made = {"spec": {"file": str(spec), "text": spec.read_text()}, "prune": prune, "adopt": adopt}
    ident = secrets.token_hex(8)
    folder = plans_folder(cloud.paths)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_private(plan_file(cloud.paths, ident), json.dumps({**data, "made_from": made}))
    return {**data, "id": ident}


def forget_old(cloud: Cloud) -> None:
    """Remove the plans that are too old to be applied by anybody."""
    folder = plans_folder(cloud.paths)
    for file in folder.glob("*") if folder.is_dir() else ():
        if time.time() - file.stat().st_mtime > KEPT_SECONDS:
            file.unlink(missing_ok=True)
