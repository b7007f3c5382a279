"""What goes over the bus: JSON text, as with the real drivers, so that nothing live leaks across it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from oslo_messaging._drivers import common
from oslo_serialization import jsonutils

LOG = logging.getLogger(__name__)

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def encode_request(ctxt: Any, message: Mapping[str, Any]) -> str:
    """The request as text. Raises what oslo.serialization raises for what JSON cannot hold."""
    context = ctxt if isinstance(ctxt, Mapping) else ctxt.to_dict()
    return str(jsonutils.dumps([context, message]))


def decode_request(body: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(context, message), created for each receiver."""
    context, message = jsonutils.loads(body)
    return context, message


def encode_reply(result: Any, failure: ExcInfo | None) -> str:
    """The reply as text; one that JSON cannot hold becomes a failure that says so.

    RabbitMQ's driver only logs that, and leaves the caller waiting for its timeout.
    """
    try:
        error = common.serialize_remote_exception(failure) if failure else None
        return str(jsonutils.dumps({"result": result, "failure": error}))
    except Exception:
        LOG.exception("Cannot serialise the reply; the caller gets this error instead")
        _, problem, trace = sys.exc_info()
        plain = TypeError(f"The reply cannot be serialised: {problem}")
        return str(
            jsonutils.dumps(
                {
                    "result": None,
                    "failure": common.serialize_remote_exception((TypeError, plain, trace)),
                }
            )
        )


def decode_reply(body: str, allowed_remote_exmods: Sequence[str]) -> Any:
    """The result; raises the remote error, rebuilt if its module is allowed, else RemoteError."""
    reply = jsonutils.loads(body)
    if reply["failure"]:
        raise common.deserialize_remote_exception(reply["failure"], allowed_remote_exmods)
    return reply["result"]
