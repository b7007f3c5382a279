"""The receiving side: a thread that passes incoming messages to oslo.messaging's server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from oslo_messaging._drivers import base

from onestack_runtime.drivers.bus import wire
from onestack_runtime.drivers.bus.broker import Broker
from onestack_runtime.drivers.bus.queues import Address, Consumer, Message

LOG = logging.getLogger(__name__)

PREFETCH = 256
"""How many unacknowledged messages a listener may hold. A server acknowledges a message when a worker thread starts
on it, so this is also how many may wait in its executor (64 threads by default)."""


class LocalIncomingMessage(base.RpcIncomingMessage):  # type: ignore[misc]
    """A message for a server: an RPC request, or a notification, which has no caller to reply to."""

    def __init__(self, broker: Broker, consumer: Consumer, message: Message) -> None:
        context, body = wire.decode_request(message.body)
        super().__init__(context, body)
        self._broker = broker
        self._consumer = consumer
        self._message = message
        self._settled = False
        # If it is set, oslo.messaging's dispatcher sends heartbeats.
        self.client_timeout = message.call.monitor_timeout if message.call else None

    def acknowledge(self) -> None:
        self._settle(requeue=False)

    def requeue(self) -> None:
        self._settle(requeue=True)

    def reply(self, reply: Any = None, failure: wire.ExcInfo | None = None) -> None:
        call = self._message.call
        if call is None:
            return
        if not call.set_reply(wire.encode_reply(reply, failure)):
            LOG.info("The caller of %s no longer waits: its reply is dropped", self.message.get("method"))

    def heartbeat(self) -> None:
        if self._message.call is not None:
            self._message.call.heartbeat()

    def _settle(self, requeue: bool) -> None:
        if not self._settled:
            self._settled = True
            self._broker.settle(self._consumer, self._message, requeue)


class LocalListener(base.Listener):  # type: ignore[misc]
    """Subscribes when it is created; delivers messages from `start` to `stop`."""

    def __init__(
        self, broker: Broker, addresses: Sequence[Address], batch_size: int, batch_timeout: float | None
    ) -> None:
        super().__init__(batch_size, batch_timeout)
        self._broker = broker
        # Two batches: one is received while the other is being processed.
        self._consumer = broker.subscribe(addresses, credit=max(PREFETCH, 2 * batch_size))
        self._thread: threading.Thread | None = None
        self._stopping = threading.Lock()
        self._subscribed = True

    def start(self, on_incoming_callback: Callable[[list[LocalIncomingMessage]], object]) -> None:
        super().start(on_incoming_callback)
        self._thread = threading.Thread(target=self._run, args=(on_incoming_callback,), daemon=True)
        self._thread.name = f"bus {self._consumer.queues[0].address}" if self._consumer.queues else "bus"
        self._thread.start()

    def stop(self) -> None:
        """Accept no more messages, and deliver those in the inbox, as with RabbitMQ, which has sent them already."""
        with self._stopping:
            if self._subscribed:
                self._subscribed = False
                self._broker.unsubscribe(self._consumer)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        super().stop()

    def cleanup(self) -> None:
        """Stop; messages that were never delivered, because it was never started, go back to their queues."""
        self.stop()
        self._broker.return_inbox(self._consumer)

    def _run(self, callback: Callable[[list[LocalIncomingMessage]], object]) -> None:
        while messages := self._broker.take(self._consumer, self.batch_size, self.batch_timeout):
            try:
                callback([LocalIncomingMessage(self._broker, self._consumer, each) for each in messages])
            except Exception:
                # The server's executor rejected the batch. Its callers time out; the listener must go on.
                LOG.exception("The server did not take %d message(s)", len(messages))
                for each in messages:
                    self._broker.settle(self._consumer, each)
