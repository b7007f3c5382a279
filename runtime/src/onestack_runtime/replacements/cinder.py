"""Cinder with all its services as threads of one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onestack_runtime.replacements.entry import Replacement


class NoPool:
    """eventlet.tpool without a pool: what it is given is done by the thread that asks."""

    @staticmethod
    def Proxy(wrapped: Any, **how: Any) -> Any:
        return wrapped

    @staticmethod
    def execute(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return function(*args, **named)


def _pool(original: Any) -> tuple[Any, ...]:
    return (NoPool,)


def _identity(kind: Any) -> tuple[Any, ...]:
    from onestack_runtime.drivers.volumes import identity

    return (identity.kind(kind),)


_IMAGES = "cinder.image.image_utils"
_SERVICE = "cinder.service:Service"

ENTRIES = (
    Replacement(
        "image-copies",
        (f"{_IMAGES}:tpool",),
        ("cinder",),
        "required",
        "images are copied by the thread that asks: eventlet's pool never comes back to a second native thread",
        _pool,
        uses=(f"{_IMAGES}:fetch", f"{_IMAGES}:upload_volume", f"{_IMAGES}:verify_glance_image_signature"),
    ),
    Replacement(
        "service-identity",
        (f"{_SERVICE}.__class__",),
        ("cinder",),
        "required",
        "`Service.service_id`, by which a service reports that it is alive and finds its own work after a crash, is "
        "that of the service whose thread asks: upstream has one service in a process",
        _identity,
        uses=(
            f"{_SERVICE}.__init__",
            f"{_SERVICE}.start",
            f"{_SERVICE}.report_state",
            f"{_SERVICE}._create_service_ref",
        ),
    ),
)
