"""Selects native threads, before OpenStack is imported.

oslo.service uses eventlet unless another backend is selected before its first use; and the mere import of eventlet
takes memory and a second of each start. Nova blocks the import in the same way.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from onestack_runtime import series


class _NoEventlet:
    """An import finder that blocks eventlet: libraries for which it is optional then work without it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "eventlet" or name.startswith("eventlet."):
            raise ModuleNotFoundError("this process works with native threads", name=name)
        return None


def native() -> None:
    """Select native threads for this process. Call it before OpenStack is imported."""
    if not series.here().imports_eventlet:
        sys.meta_path.insert(0, _NoEventlet())
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)


@contextmanager
def during(local: threading.local, name: str, value: Any) -> Iterator[None]:
    """Set a thread-local attribute within the context; afterwards its former value, or None, is restored."""
    before = getattr(local, name, None)
    setattr(local, name, value)
    try:
        yield
    finally:
        setattr(local, name, before)
