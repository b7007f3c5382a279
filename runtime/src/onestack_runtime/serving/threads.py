"""Native threads, decided before anything of OpenStack is imported.

oslo.service falls back to eventlet when nobody says otherwise by the time it is first used; and merely to
have eventlet loaded costs memory and a second at each start. Nova forbids it to itself in the same way.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


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


@contextmanager
def during(here: threading.local, name: str, value: Any) -> Iterator[None]:
    """What is called meanwhile by this thread finds `value` under this name; then it is as before, else None."""
    before = getattr(here, name, None)
    setattr(here, name, value)
    try:
        yield
    finally:
        setattr(here, name, before)
