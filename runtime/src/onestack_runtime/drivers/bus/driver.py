"""The oslo.messaging driver, loaded for `transport_url = onestack://`."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import oslo_messaging
from oslo_messaging._drivers import base

from onestack_runtime.drivers.bus import wire
from onestack_runtime.drivers.bus.broker import Broker
from onestack_runtime.drivers.bus.call import PendingCall
from onestack_runtime.drivers.bus.listener import LocalListener
from onestack_runtime.drivers.bus.queues import Address, Kind, QueueFull


class LocalDriver(base.BaseDriver):  # type: ignore[misc]
    """Messages between the threads of this process. The package's docstring describes its behaviour."""

    def __init__(
        self,
        conf: Any,
        url: oslo_messaging.TransportURL,
        default_exchange: str | None = None,
        allowed_remote_exmods: Sequence[str] | None = None,
    ) -> None:
        super().__init__(conf, url, default_exchange, allowed_remote_exmods)
        self._broker = Broker.of(url.virtual_host)
        self._listeners: weakref.WeakSet[LocalListener] = weakref.WeakSet()

    def require_features(self, requeue: bool = False) -> None:
        """Every feature is supported."""

    def send(
        self,
        target: oslo_messaging.Target,
        ctxt: Any,
        message: Mapping[str, Any],
        wait_for_reply: bool | None = None,
        timeout: float | None = None,
        call_monitor_timeout: float | None = None,
        retry: int | None = None,
        transport_options: oslo_messaging.TransportOptions | None = None,
    ) -> Any:
        """Call (`wait_for_reply`), cast or fanout. Timeouts are in seconds; `retry` is ignored.

        Raises MessagingTimeout, MessageDeliveryFailure if the receiver's queue is full, MessageUndeliverable if
        `at_least_once` is set and nobody listens, and the exception that the server raised.
        """
        body = wire.encode_request(ctxt, message)
        exchange = self._exchange_of(target)
        if target.fanout:
            self._broker.fanout(exchange, target.topic, body)
            return None
        address = Address(Kind.RPC, exchange, target.topic, target.server)
        if transport_options and transport_options.at_least_once and not self._broker.has_listener(address):
            raise oslo_messaging.MessageUndeliverable(
                f"Nobody listens to {address}", exchange, target.topic, message
            )
        call = PendingCall(timeout, call_monitor_timeout) if wait_for_reply else None
        try:
            self._broker.send(address, body, call)
        except QueueFull as error:
            raise oslo_messaging.MessageDeliveryFailure(str(error)) from error
        if call is None:
            return None
        reply = call.wait()
        if reply is None:
            raise oslo_messaging.MessagingTimeout(
                f"No reply to {message.get('method')} from {address}: "
                + ("the server has not finished" if self._broker.has_listener(address) else "nobody listens")
            )
        return wire.decode_reply(reply, self._allowed_remote_exmods)

    def send_notification(
        self,
        target: oslo_messaging.Target,
        ctxt: Any,
        message: Mapping[str, Any],
        version: float,
        retry: int | None = None,
    ) -> None:
        """`version` is the envelope's on the wire; it is ignored, since there is no envelope."""
        self._broker.notify(self._exchange_of(target), target.topic, wire.encode_request(ctxt, message))

    def listen(
        self, target: oslo_messaging.Target, batch_size: int, batch_timeout: float | None
    ) -> LocalListener:
        exchange, topic = self._exchange_of(target), target.topic
        return self._listen(
            [
                Address(Kind.RPC, exchange, topic, None),
                Address(Kind.RPC, exchange, topic, target.server),
                # A queue for each listener: two listeners with the same server name each get a copy.
                Address(Kind.FANOUT, exchange, topic, uuid.uuid4().hex),
            ],
            batch_size,
            batch_timeout,
        )

    def listen_for_notifications(
        self,
        targets_and_priorities: Iterable[tuple[oslo_messaging.Target, str]],
        pool: str | None,
        batch_size: int,
        batch_timeout: float | None,
    ) -> LocalListener:
        # A set: a target that is listed twice must not get a double share of the credit.
        addresses = {
            Address(Kind.NOTIFICATION, self._exchange_of(target), f"{target.topic}.{priority}", pool)
            for target, priority in targets_and_priorities
        }
        return self._listen(list(addresses), batch_size, batch_timeout)

    def cleanup(self) -> None:
        """Stop this transport's listeners. Other transports of the process are not affected."""
        for listener in list(self._listeners):
            listener.cleanup()

    def _listen(
        self, addresses: Sequence[Address], batch_size: int, batch_timeout: float | None
    ) -> LocalListener:
        listener = LocalListener(self._broker, addresses, batch_size, batch_timeout)
        self._listeners.add(listener)
        return listener

    def _exchange_of(self, target: oslo_messaging.Target) -> str:
        return target.exchange or self._default_exchange or ""
