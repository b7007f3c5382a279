"""Cinder with all its services as threads of one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from onestack_runtime.replacements.entry import Replacement


class NoPool:
    """Stands for `eventlet.tpool`, without a pool: each function runs in the thread that calls it."""

    @staticmethod
    def Proxy(wrapped: Any, **how: Any) -> Any:
        return wrapped

    @staticmethod
    def execute(function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        return function(*args, **named)


def _no_pool(original: Any) -> tuple[Any, ...]:
    return (NoPool,)


def _service_identity(kind: Any) -> tuple[Any, ...]:
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
        "images are copied in the calling thread: eventlet's thread pool never returns to a second native thread",
        _no_pool,
        uses=(f"{_IMAGES}:fetch", f"{_IMAGES}:upload_volume", f"{_IMAGES}:verify_glance_image_signature"),
    ),
    Replacement(
        "service-identity",
        (f"{_SERVICE}.__class__",),
        ("cinder",),
        "required",
        "`Service.service_id`, with which a service sends heartbeats and finds its unfinished work after a crash, is "
        "the id of the service that the calling thread works for: upstream has one service in a process",
        _service_identity,
        uses=(
            f"{_SERVICE}.__init__",
            f"{_SERVICE}.start",
            f"{_SERVICE}.report_state",
            f"{_SERVICE}._create_service_ref",
        ),
    ),
)
