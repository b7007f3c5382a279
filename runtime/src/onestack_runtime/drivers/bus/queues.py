"""Where messages wait, and how much of them may.

Nothing here locks: the broker holds its lock around every use.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from onestack_runtime.drivers.bus.call import PendingCall

LOG = logging.getLogger(__name__)

MIB = 1024 * 1024
WARN_EVERY = 1000  # dropped messages between two warnings about the same queue


class Kind(Enum):
    RPC = "rpc"
    FANOUT = "fanout"
    NOTIFICATION = "notification"


# (messages, bytes) a queue may hold while nobody takes them. RPC must bear a service that is away for
# minutes, and a fanout lost leaves a server with an old picture; unread notifications are worth little.
LIMITS = {
    Kind.RPC: (10_000, 16 * MIB),
    Kind.FANOUT: (10_000, 16 * MIB),
    Kind.NOTIFICATION: (1_000, 2 * MIB),
}


class Address(NamedTuple):
    """`who` is the server, the pool, or for a fanout the one listener; None is the topic's own queue."""

    kind: Kind
    exchange: str
    topic: str
    who: str | None

    def __str__(self) -> str:
        return ".".join(filter(None, (self.exchange, self.topic, self.who)))


class QueueFull(Exception):
    """An RPC queue that nobody empties has reached its limit."""


@dataclass(eq=False, slots=True)
class Message:
    """One copy of what was sent, on its way to one receiver."""

    address: Address
    body: str
    call: PendingCall | None

    @property
    def dead(self) -> bool:
        """A call whose caller has given up: nobody wants it done any more."""
        return self.call is not None and self.call.abandoned


@dataclass(eq=False)
class Consumer:
    """A listener as the broker sees it: what it was given, and how much more it may be given.

    `credit` bounds what is given and not yet acknowledged, so that a busy server's backlog waits here,
    where it is bounded and others can take it, and not in its executor.
    """

    arrived: threading.Condition
    credit: int
    inbox: deque[Message] = field(default_factory=deque)
    queues: list[Queue] = field(default_factory=list)
    held: int = 0
    closed: bool = False

    @property
    def willing(self) -> bool:
        return self.held < self.credit and not self.closed

    def give(self, message: Message) -> None:
        self.held += 1
        self.inbox.append(message)
        self.arrived.notify()

    def refill(self) -> None:
        """Take what waits in its queues, one from each in turn, as far as the credit goes."""
        waiting = deque(queue for queue in self.queues if queue.ready)
        while waiting and self.willing:
            queue = waiting.popleft()
            message = queue.pop()
            if message is not None:
                self.give(message)
                waiting.append(queue)


class Queue:
    """Messages of one address, given to its consumers in turn, kept while none will take them."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.consumers: deque[Consumer] = deque()
        self.ready: deque[Message] = deque()
        self._size = 0
        self._dropped = 0

    @property
    def disposable(self) -> bool:
        """Nothing is lost with it. A pool is to be remembered: it wants what comes while it is away."""
        is_pool = self.address.kind is Kind.NOTIFICATION and self.address.who is not None
        return not (self.consumers or self.ready or is_pool)

    def put(self, message: Message, accepted: bool = False) -> None:
        """Give it to the next willing consumer or keep it. QueueFull unless it was `accepted` before."""
        for _ in range(len(self.consumers)):
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            if consumer.willing:
                consumer.give(message)
                return
        if not accepted:
            self._make_room(len(message.body))
        self.ready.append(message)
        self._size += len(message.body)

    def put_back(self, message: Message) -> None:
        """Return what was given but not looked at to where it was."""
        self.ready.appendleft(message)
        self._size += len(message.body)

    def pop(self) -> Message | None:
        """The oldest that somebody still wants."""
        while self.ready:
            message = self.ready.popleft()
            self._size -= len(message.body)
            if not message.dead:
                return message
        return None

    def _full_for(self, size: int) -> bool:
        messages, most = LIMITS[self.address.kind]
        return bool(self.ready) and (len(self.ready) >= messages or self._size + size > most)

    def _make_room(self, size: int) -> None:
        if self._full_for(size):
            self.ready = deque(message for message in self.ready if not message.dead)
            self._size = sum(len(message.body) for message in self.ready)
        while self._full_for(size):
            if self.address.kind is Kind.RPC:
                raise QueueFull(f"{len(self.ready)} messages ({self._size} bytes) wait for {self.address}")
            self._size -= len(self.ready.popleft().body)
            if self._dropped % WARN_EVERY == 0:
                LOG.warning("Nobody takes the messages for %s: dropping the oldest", self.address)
            self._dropped += 1
