"""Native threads, decided before anything of OpenStack is imported.

oslo.service falls back to eventlet when nobody says otherwise by the time it is first used; and merely to
have eventlet loaded costs memory and a second at each start. Nova forbids it to itself in the same way.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _NoEventlet:
    """An import finder that finds no eventlet; libraries that can do without it then do."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "eventlet" or name.startswith("eventlet."):
            raise ModuleNotFoundError("this process works with native threads", name=name)
        return None


def native() -> None:
    """This process works with native threads; call it before OpenStack is imported."""
    sys.meta_path.insert(0, _NoEventlet())
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
