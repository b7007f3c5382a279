"""Determines which of Cinder's services a thread works for.

Cinder keeps the id of *the* process's service in a class attribute. A service uses it for its heartbeats, and to mark
the work that it has in progress, so that it can finish or clean up that work after a crash. With several services in
one process, the attribute's value must depend on the thread that reads it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from onestack_runtime.serving.threads import during

_current = threading.local()
_default: list[int | None] = [None]
"""The id for threads of no particular service: that of the service that was created last, as upstream does."""


def get() -> int | None:
    """The id of the service that this thread works for."""
    service_id: int | None = getattr(_current, "id", None)
    return service_id if service_id is not None else _default[0]


def kind(upstream: type) -> type:
    """A metaclass for Cinder's class Service, with a `service_id` that depends on the thread that reads it."""
    service_id = property(lambda cls: get(), lambda cls, value: _default.__setitem__(0, value))
    return type("ServiceWithIdentity", (upstream,), {"service_id": service_id})


def service_class() -> Any:
    """A class of services that set this thread's service id for each message and timer that they handle."""
    from cinder import service

    class Service(service.Service):  # type: ignore[misc]
        """One of several services in a process."""

        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            self.manager: Any = Bound(vars(self)["manager"], self.origin_service_id)

        def report_state(self) -> None:
            with during(_current, "id", self.origin_service_id):
                super().report_state()

    return Service


def _with_id(service_id: int, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **named: Any) -> Any:
        with during(_current, "id", service_id):
            return method(*args, **named)

    return call


class Bound:
    """A proxy of a service's manager: each of its methods runs with the service's id."""

    def __init__(self, manager: Any, service_id: int) -> None:
        self.__dict__.update(_manager=manager, _service_id=service_id)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._manager, name)
        is_method = callable(value) and hasattr(value, "__self__")
        return _with_id(self._service_id, value) if is_method else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._manager, name, value)

    def __dir__(self) -> list[str]:
        return dir(self._manager)
