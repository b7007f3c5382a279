"""The process's message broker, which all its transports share."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import ClassVar

from onestack_runtime.drivers.bus.call import PendingCall
from onestack_runtime.drivers.bus.queues import Address, Consumer, Kind, Message, Queue

Route = tuple[Kind, str, str]


class Broker:
    """Routes messages to queues, and from queues to consumers. One lock protects all; it is only held briefly."""

    _by_virtual_host: ClassVar[dict[str, Broker]] = {}

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._routes: dict[Route, dict[str | None, Queue]] = {}

    @classmethod
    def of(cls, virtual_host: str | None) -> Broker:
        """The process's broker for that virtual host."""
        # setdefault is atomic. A lock created at import would precede eventlet's monkey-patching.
        return cls._by_virtual_host.setdefault(virtual_host or "", cls())

    def send(self, address: Address, body: str, call: PendingCall | None = None) -> None:
        """Send to the next server of a topic, or to a named server. Raises QueueFull."""
        with self._lock:
            queue = self._declare(address)
            queue.put(Message(address, body, call))

    def fanout(self, exchange: str, topic: str, body: str) -> None:
        """Send to every present listener of the topic."""
        with self._lock:
            for queue in self._queues(Kind.FANOUT, exchange, topic):
                queue.put(Message(queue.address, body, None))

    def notify(self, exchange: str, topic: str, body: str) -> None:
        """Send to the listeners that are in no pool (present or later ones), and once to each pool known so far."""
        with self._lock:
            self._declare(Address(Kind.NOTIFICATION, exchange, topic, None))
            for queue in self._queues(Kind.NOTIFICATION, exchange, topic):
                queue.put(Message(queue.address, body, None))

    def has_listener(self, address: Address) -> bool:
        with self._lock:
            queue = self._routes.get(address[:3], {}).get(address.receiver)
            return queue is not None and bool(queue.consumers)

    def subscribe(self, addresses: Iterable[Address], credit: int) -> Consumer:
        """A consumer of these addresses that may hold up to `credit` unacknowledged messages."""
        consumer = Consumer(threading.Condition(self._lock), credit)
        with self._lock:
            for address in addresses:
                queue = self._declare(address)
                queue.consumers.append(consumer)
                consumer.queues.append(queue)
            consumer.refill()
        return consumer

    def unsubscribe(self, consumer: Consumer) -> None:
        """Stop delivery to the consumer. Its inbox is kept, and a waiting `take` returns."""
        with self._lock:
            consumer.closed = True
            for queue in consumer.queues:
                queue.consumers.remove(consumer)
                if queue.address.kind is Kind.FANOUT:
                    queue.ready.clear()
                if queue.disposable:
                    self._delete(queue.address)
            consumer.queues.clear()
            consumer.arrived.notify_all()

    def return_inbox(self, consumer: Consumer) -> None:
        """Return the messages in an unsubscribed consumer's inbox to their queues, in order."""
        with self._lock:
            returned: dict[Address, list[Message]] = {}
            while consumer.inbox:
                message = consumer.inbox.popleft()
                consumer.unacknowledged -= 1
                if message.address.kind is not Kind.FANOUT:
                    returned.setdefault(message.address, []).append(message)
            for address, messages in returned.items():
                queue = self._declare(address)
                for message in reversed(messages):
                    queue.put_back(message)
                for other in tuple(queue.consumers):
                    other.refill()

    def take(self, consumer: Consumer, batch_size: int, batch_timeout: float | None) -> list[Message]:
        """Wait for `batch_size` messages, or `batch_timeout` seconds after the first; [] once it is closed."""
        with consumer.arrived:
            deadline: float | None = None
            while len(consumer.inbox) < batch_size and not consumer.closed:
                if consumer.inbox and batch_timeout is not None:
                    deadline = time.monotonic() + batch_timeout if deadline is None else deadline
                seconds_left = None if deadline is None else deadline - time.monotonic()
                if seconds_left is not None and seconds_left <= 0:
                    break
                consumer.arrived.wait(seconds_left)
            return [consumer.inbox.popleft() for _ in range(min(batch_size, len(consumer.inbox)))]

    def settle(self, consumer: Consumer, message: Message, requeue: bool = False) -> None:
        """Acknowledge a message, or (`requeue`) put it at the end of its queue."""
        with self._lock:
            consumer.unacknowledged -= 1
            # A fanout's queue is deleted with its listener.
            if requeue and (message.address.kind is not Kind.FANOUT or not consumer.closed):
                self._declare(message.address).put(message, requeued=True)
            consumer.refill()

    def _queues(self, kind: Kind, exchange: str, topic: str) -> list[Queue]:
        return list(self._routes.get((kind, exchange, topic), {}).values())

    def _declare(self, address: Address) -> Queue:
        route = self._routes.setdefault(address[:3], {})
        queue = route.get(address.receiver)
        if queue is None:
            queue = route[address.receiver] = Queue(address)
        return queue

    def _delete(self, address: Address) -> None:
        route = self._routes[address[:3]]
        del route[address.receiver]
        if not route:
            del self._routes[address[:3]]
