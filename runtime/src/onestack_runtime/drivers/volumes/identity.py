"""Which of Cinder's services a thread works for.

Cinder keeps the id of *the* service of a process in a class attribute. By it a service reports that it is
alive, and marks the work it has begun, so that after a crash it finds, and finishes or undoes, its own. With
several services in one process the attribute must say whose thread asks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from onestack_runtime.serving.threads import during

_current = threading.local()
_default: list[int | None] = [None]
"""For threads that were handed no service: the one that was made last, as upstream has it."""


def get() -> int | None:
    """The service of this thread."""
    found: int | None = getattr(_current, "id", None)
    return found if found is not None else _default[0]


def kind(upstream: type) -> type:
    """The class of Cinder's class Service: its attribute `service_id` says whose thread reads it."""
    service_id = property(lambda cls: get(), lambda cls, value: _default.__setitem__(0, value))
    return type("ServiceWithIdentity", (upstream,), {"service_id": service_id})


def service_class() -> Any:
    """Of services in whose name all is done that comes to them, by message or by timer."""
    from cinder import service

    class Service(service.Service):  # type: ignore[misc]
        """One of several in a process."""

        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            self.manager: Any = Bound(vars(self)["manager"], self.origin_service_id)

        def report_state(self) -> None:
            with during(_current, "id", self.origin_service_id):
                super().report_state()

    return Service


def _as(number: int, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **named: Any) -> Any:
        with during(_current, "id", number):
            return method(*args, **named)

    return call


class Bound:
    """A manager as its service and the message bus see it: each of its methods is called in its name."""

    def __init__(self, manager: Any, number: int) -> None:
        self.__dict__.update(_manager=manager, _number=number)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._manager, name)
        return _as(self._number, found) if callable(found) and hasattr(found, "__self__") else found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._manager, name, value)

    def __dir__(self) -> list[str]:
        return dir(self._manager)
