"""The protocol of a connection to an agent: one JSON object a line, in both directions.

    {"id": 7, "verb": "run", "arguments": {...}}     a request; several may be in flight
    {"id": 7, "said": "HTTP 503"}                     its progress
    {"id": 7, "result": {...}}                        its answer, or
    {"id": 7, "error": {"kind": "Unready", "error": "...", "detail": "...", "hint": "..."}}
    {"id": 0}                                         heartbeat of the client; without it the agent ends

Standard library only. Bytes are base64, paths and addresses are text.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Any

from onestack.core.errors import BadInput, Busy, OneStackError, PermanentError, Unready

HEARTBEAT_SECONDS = 5.0
"""How often the client sends a heartbeat."""
SILENCE_SECONDS = 30.0
"""A side that receives nothing for this time counts the other one as gone."""
_TEXT = (Path, IPv4Address, IPv6Address, IPv4Network, IPv6Network)

_KINDS: Mapping[str, type[PermanentError]] = {each.__name__: each for each in (Unready, BadInput, Busy)}
"""The errors that arrive as what they were; every other one is a PermanentError."""


def plain(value: Any) -> Any:
    """A value as JSON can represent it. Raises TypeError for types that no operation uses."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, _TEXT):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(one) for one in value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be sent over a connection")


def line(message: Mapping[str, Any]) -> bytes:
    """One message, encoded."""
    return json.dumps(plain(message), separators=(",", ":")).encode() + b"\n"


def error_as_data(error: BaseException) -> dict[str, str]:
    """An error, as it is sent to the client."""
    if isinstance(error, OneStackError):
        # A kind of its own for each exit status: what is wrong with the user's input stays that.
        kind = next((each for each in _KINDS.values() if isinstance(error, each)), PermanentError)
        return {"kind": kind.__name__, **error.as_dict()}
    return {"kind": "PermanentError", "error": f"{type(error).__name__}: {error}"}


def error_from_data(data: Mapping[str, str], host: str) -> PermanentError:
    """The error that a host sent. The place in it is on that host."""
    kind = _KINDS.get(data["kind"], PermanentError)
    where = f"{host}: {data['where']}" if data.get("where") else host
    return kind(data["error"], detail=data.get("detail", ""), where=where, hint=data.get("hint", ""))
