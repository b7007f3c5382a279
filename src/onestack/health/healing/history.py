"""What was done when a host was lost: events in etcd, the newest two hundred."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from onestack.platform.keyvalue import KeyValue

PREFIX = "/events/"
_CHANGING = threading.Lock()
"""Only the healer that acts writes events, but several of its threads do."""
KEPT = 200
"""How many events are kept."""


@dataclass
class Event:
    """A loss of a host, a time of restraint, or a guest that was started again. Times are Unix times; spans, seconds.

    `kind`: lost, fence (an operator's wish), restraint, or restart (of a guest whose process ended). `by`: the host
    with the healer. `silent`: seconds for which the host's lease had not changed. `proof`: how it is known that its
    guests had ended. `moved`: guests, with the host each is on, the seconds until it was ACTIVE (`away`) and until it
    was seen to answer (`answered`; None: it was not), and what showed it (`seen`). `failed` and `left`: guests that
    could not be moved, or must not, and why. `outcome`: in words. `returned`: when the host might serve again.
    """

    ident: str
    host: str
    kind: str
    by: str
    began: float
    silent: float = 0.0
    fenced: float | None = None
    proof: str = ""
    moved: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    outcome: str = ""
    ended: float | None = None
    returned: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Event:
        """From what `as_dict` made, by this or another version."""
        known = {each.name for each in fields(cls)}
        return cls(**{key: value for key, value in found.items() if key in known})


def save(client: KeyValue, event: Event) -> None:
    """Keep an event, and no more than KEPT. Raises OneStackError."""
    client.put(f"{PREFIX}{event.ident}", json.dumps(event.as_dict()))
    for name in sorted(client.below(PREFIX))[:-KEPT]:
        client.delete(f"{PREFIX}{name}")


def change(client: KeyValue, ident: str, body: Callable[[Event], None]) -> None:
    """Change an event that is kept; nothing where it is not. Raises OneStackError."""
    with _CHANGING:
        kept = client.get(f"{PREFIX}{ident}")
        if kept is not None:
            event = Event.of(json.loads(kept.value))
            body(event)
            client.put(f"{PREFIX}{ident}", json.dumps(event.as_dict()))


def load(client: KeyValue, host: str | None = None) -> list[Event]:
    """The events, of one host or all, the oldest first. Raises OneStackError."""
    found = [Event.of(json.loads(each.value)) for _, each in sorted(client.below(PREFIX).items())]
    return [each for each in found if host in (None, each.host)]
