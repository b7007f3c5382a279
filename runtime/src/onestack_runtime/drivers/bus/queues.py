"""Message queues and their consumers, with limits on messages and bytes.

There are no locks here: the broker calls everything while it holds its lock.
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


LIMITS = {
    Kind.RPC: (10_000, 16 * MIB),
    Kind.FANOUT: (10_000, 16 * MIB),
    Kind.NOTIFICATION: (1_000, 2 * MIB),
}
"""Messages and bytes that a queue may hold while no consumer takes them. A service may be down for minutes, and a
server that misses a fanout works with stale data; notifications that nobody reads are of little value."""


class Address(NamedTuple):
    """The address of a queue. `receiver`: the server, the pool, or for a fanout the listener; None: any server of the
    topic, or for notifications the listeners in no pool."""

    kind: Kind
    exchange: str
    topic: str
    receiver: str | None

    def __str__(self) -> str:
        return ".".join(filter(None, (self.exchange, self.topic, self.receiver)))


class QueueFull(Exception):
    """An RPC queue has reached its limit."""


@dataclass(eq=False, slots=True)
class Message:
    """One copy of a message, for one receiver."""

    address: Address
    body: str
    call: PendingCall | None

    @property
    def abandoned(self) -> bool:
        """Whether it is a call whose caller has timed out: it need not be delivered any more."""
        return self.call is not None and self.call.abandoned


@dataclass(eq=False)
class Consumer:
    """A listener as the broker sees it: its inbox, and how many more messages it may get.

    `credit`: how many messages it may hold unacknowledged. A busy server's backlog then waits in the queue, which is
    bounded and shared with other servers, and not in its own executor.
    """

    arrived: threading.Condition
    credit: int
    inbox: deque[Message] = field(default_factory=deque)
    queues: list[Queue] = field(default_factory=list)
    unacknowledged: int = 0
    closed: bool = False

    @property
    def has_credit(self) -> bool:
        return self.unacknowledged < self.credit and not self.closed

    def deliver(self, message: Message) -> None:
        self.unacknowledged += 1
        self.inbox.append(message)
        self.arrived.notify()

    def refill(self) -> None:
        """Take waiting messages from its queues, one from each in turn, until the credit is used up."""
        waiting = deque(queue for queue in self.queues if queue.ready)
        while waiting and self.has_credit:
            queue = waiting.popleft()
            message = queue.pop()
            if message is not None:
                self.deliver(message)
                waiting.append(queue)


class Queue:
    """The messages of one address: delivered to its consumers in turn, or kept while none has credit."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.consumers: deque[Consumer] = deque()
        self.ready: deque[Message] = deque()
        self._bytes = 0
        self._dropped = 0

    @property
    def disposable(self) -> bool:
        """Whether it can be deleted without loss. A pool's queue cannot: it keeps messages while the pool is away."""
        is_pool = self.address.kind is Kind.NOTIFICATION and self.address.receiver is not None
        return not (self.consumers or self.ready or is_pool)

    def put(self, message: Message, requeued: bool = False) -> None:
        """Deliver a message to the next consumer with credit, or keep it.

        Raises QueueFull; not for a `requeued` message, which was accepted before.
        """
        for _ in range(len(self.consumers)):
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            if consumer.has_credit:
                consumer.deliver(message)
                return
        if not requeued:
            self._make_room(len(message.body))
        self.ready.append(message)
        self._bytes += len(message.body)

    def put_back(self, message: Message) -> None:
        """Put an undelivered message back to the front."""
        self.ready.appendleft(message)
        self._bytes += len(message.body)

    def pop(self) -> Message | None:
        """Remove and return the oldest message that is not abandoned."""
        while self.ready:
            message = self.ready.popleft()
            self._bytes -= len(message.body)
            if not message.abandoned:
                return message
        return None

    def _full_for(self, size: int) -> bool:
        max_messages, max_bytes = LIMITS[self.address.kind]
        return bool(self.ready) and (len(self.ready) >= max_messages or self._bytes + size > max_bytes)

    def _make_room(self, size: int) -> None:
        if self._full_for(size):
            self.ready = deque(message for message in self.ready if not message.abandoned)
            self._bytes = sum(len(message.body) for message in self.ready)
        while self._full_for(size):
            if self.address.kind is Kind.RPC:
                raise QueueFull(f"{len(self.ready)} messages ({self._bytes} bytes) wait for {self.address}")
            self._bytes -= len(self.ready.popleft().body)
            if self._dropped % WARN_EVERY == 0:
                LOG.warning("Nobody takes the messages for %s: dropping the oldest", self.address)
            self._dropped += 1
