"""The wire format: JSON text, as with other drivers, so that sender and receiver share no objects."""

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
    """The request as text. Raises oslo.serialization's errors if it is not serializable."""
    context = ctxt if isinstance(ctxt, Mapping) else ctxt.to_dict()
    return str(jsonutils.dumps([context, message]))


def decode_request(body: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(context, message): new objects for each receiver."""
    context, message = jsonutils.loads(body)
    return context, message


def encode_reply(result: Any, failure: ExcInfo | None) -> str:
    """The reply as text. A reply that is not serializable becomes an error reply.

    RabbitMQ's driver only logs this error, and the caller waits until its timeout.
    """
    try:
        error = common.serialize_remote_exception(failure) if failure else None
        return str(jsonutils.dumps({"result": result, "failure": error}))
    except Exception:
        LOG.exception("Cannot serialise the reply; the caller gets this error instead")
        _, cause, traceback = sys.exc_info()
        error = TypeError(f"The reply cannot be serialised: {cause}")
        return str(
            jsonutils.dumps(
                {
                    "result": None,
                    "failure": common.serialize_remote_exception((TypeError, error, traceback)),
                }
            )
        )


def decode_reply(body: str, allowed_remote_exmods: Sequence[str]) -> Any:
    """The result. Raises the remote exception if its module is allowed, else RemoteError."""
    reply = jsonutils.loads(body)
    if reply["failure"]:
        raise common.deserialize_remote_exception(reply["failure"], allowed_remote_exmods)
    return reply["result"]
