"""The same view with something else of the cloud, or of the host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from onestack.platform.view import View


def with_cloud(view: View, **changes: Any) -> View:
    return replace(view, cloud=replace(view.cloud, **changes))


def with_here(view: View, **changes: Any) -> View:
    return replace(view, here=replace(view.here, **changes))
