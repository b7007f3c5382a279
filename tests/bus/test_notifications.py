"""Notifications as oslo.messaging's own tests expect them of any driver; each test runs on `fake://` too."""

from __future__ import annotations

import itertools
import queue
import threading
from typing import Any

import oslo_messaging
import pytest

from .conftest import PATIENCE, Bus

PRIORITIES = ["debug", "audit", "info", "warn", "error", "critical", "sample"]


class Listener:
    """Keeps (priority, event type, payload) of what it hears; `answers` says what to reply, in turn."""

    def __init__(self, *answers: Any) -> None:
        self.heard: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self._answers = list(answers)

    def __getattr__(self, priority: str) -> Any:
        if priority not in PRIORITIES:
            raise AttributeError(priority)

        def hear(ctxt: Any, publisher: str, event_type: str, payload: Any, metadata: Any) -> Any:
            assert metadata["message_id"]
            self.heard.put((priority, event_type, payload))
            return self._answers.pop(0) if self._answers else None

        return hear

    def take(self, count: int) -> list[tuple[str, str, Any]]:
        return [self.heard.get(timeout=PATIENCE) for _ in range(count)]


class Context(dict[str, str]):
    """A notifier sends of a context only what this leaves."""

    def redacted_copy(self) -> Context:
        return self


class BatchListener:
    """Keeps the payloads of each batch."""

    def __init__(self) -> None:
        self.batches: queue.Queue[list[Any]] = queue.Queue()

    def info(self, messages: list[dict[str, Any]]) -> None:
        self.batches.put([message["payload"] for message in messages])

    def take(self, count: int) -> list[list[Any]]:
        return [self.batches.get(timeout=PATIENCE) for _ in range(count)]


class Info(Listener):
    """Subscribed to one priority only."""

    def __getattr__(self, priority: str) -> Any:
        if priority != "info":
            raise AttributeError(priority)
        return super().__getattr__(priority)


def test_each_priority_is_heard_as_itself(bus: Bus) -> None:
    listener = Listener()
    bus.listen(listener)
    notifier = bus.notifier()
    for priority in PRIORITIES:
        getattr(notifier, priority)({}, f"type.{priority}", {"of": priority})
    expected = sorted((priority, f"type.{priority}", {"of": priority}) for priority in PRIORITIES)
    assert sorted(listener.take(len(PRIORITIES)), key=lambda heard: heard[0]) == expected


def test_the_context_arrives(bus: Bus) -> None:
    contexts: queue.Queue[Any] = queue.Queue()

    class Endpoint:
        def info(self, ctxt: Any, *rest: Any) -> None:
            contexts.put(ctxt)

    bus.listen(Endpoint())
    bus.notifier().info(Context(user="me"), "type", {})
    assert contexts.get(timeout=PATIENCE) == {"user": "me"}


def test_a_listener_hears_its_topics_and_no_others(bus: Bus) -> None:
    both, one = Listener(), Listener()
    bus.listen(both, topics=("a", "b"))
    bus.listen(one, topics=("c",))
    for topic in "abc":
        bus.notifier(topic).info({}, "type", topic)
    assert sorted(payload for _, _, payload in both.take(2)) == ["a", "b"]
    assert [payload for _, _, payload in one.take(1)] == ["c"]
    assert both.heard.empty()


def test_exchanges_are_apart(bus: Bus) -> None:
    listener = Listener()
    bus.listen(listener, exchange="x1")
    bus.notifier(transport=bus.notifications(exchange="x2")).info({}, "type", "x2")
    bus.notifier(transport=bus.notifications(exchange="x1")).info({}, "type", "x1")
    assert listener.take(1) == [("info", "type", "x1")]
    assert listener.heard.empty()


def test_a_notification_waits_for_its_listener(bus: Bus) -> None:
    bus.notifier().error({}, "type", "early")
    listener = Listener()
    bus.listen(listener)
    assert listener.take(1) == [("error", "type", "early")]


def test_listeners_of_a_topic_share_its_notifications(bus: Bus) -> None:
    heard: queue.Queue[tuple[int, Any]] = queue.Queue()

    def endpoint(number: int) -> object:
        class Endpoint:
            def info(self, ctxt: Any, publisher: str, event_type: str, payload: Any, metadata: Any) -> None:
                heard.put((number, payload))

        return Endpoint()

    bus.listen(endpoint(0))
    bus.listen(endpoint(1))
    notifier = bus.notifier()
    for number in range(20):
        notifier.info({}, "type", number)
    shares = [heard.get(timeout=PATIENCE) for _ in range(20)]
    assert sorted(payload for _, payload in shares) == list(range(20))
    if bus.scheme == "onestack":
        assert [server for server, _ in shares].count(0) == 10, "each in its turn"


def test_each_pool_hears_everything_once(bus: Bus) -> None:
    first, second = Info(), Info()
    bus.listen(first, pool="one")
    bus.listen(second, pool="two")
    bus.listen(second, pool="two")
    for number in range(25):
        bus.notifier().info({}, "type", number)
    for listener in (first, second):
        assert sorted(payload for _, _, payload in listener.take(25)) == list(range(25))
    assert first.heard.empty()
    assert second.heard.empty()


def test_a_pool_hears_later_what_came_while_it_was_away(bus: Bus) -> None:
    listener = Info()
    server = bus.listen(listener, pool="one")
    server.stop()
    server.wait()
    bus.notifier().info({}, "type", "while away")
    server.start()
    assert listener.take(1) == [("info", "type", "while away")]


def test_every_endpoint_hears(bus: Bus) -> None:
    first, second = Listener(), Listener(oslo_messaging.NotificationResult.HANDLED)
    bus.listen(first, second)
    bus.notifier().info({}, "type", 1)
    assert first.take(1) == second.take(1) == [("info", "type", 1)]


def test_a_requeued_notification_comes_again(bus: Bus) -> None:
    listener = Listener(oslo_messaging.NotificationResult.REQUEUE, oslo_messaging.NotificationResult.HANDLED)
    bus.listen(listener)
    bus.notifier().info({}, "type", "again")
    assert listener.take(2) == [("info", "type", "again")] * 2


def test_a_failing_endpoint_gets_it_again(bus: Bus) -> None:
    heard: queue.Queue[Any] = queue.Queue()
    failed = threading.Event()

    class Endpoint:
        def info(self, ctxt: Any, publisher: str, event_type: str, payload: Any, metadata: Any) -> None:
            if not failed.is_set():
                failed.set()
                raise RuntimeError("not now")
            heard.put(payload)

    bus.listen(Endpoint())
    bus.notifier().info({}, "type", "again")
    assert heard.get(timeout=PATIENCE) == "again"


@pytest.mark.parametrize("size", [5, 300])
def test_batches_are_filled(bus: Bus, size: int) -> None:
    """300 is more than our driver lets a server hold of single messages."""
    listener = BatchListener()
    bus.listen(listener, batch=(size, None))
    notifier = bus.notifier()
    for number in range(2 * size):
        notifier.info({}, "type", number)
    batches = listener.take(2)
    assert [len(batch) for batch in batches] == [size, size]
    assert sorted(batches[0] + batches[1]) == list(range(2 * size))


def test_a_batch_that_is_not_filled_goes_when_its_time_is_up(bus: Bus) -> None:
    listener = BatchListener()
    bus.listen(listener, batch=(5, 0.3))
    notifier = bus.notifier()
    for number in range(7):
        notifier.info({}, "type", number)
    assert sorted(itertools.chain(*listener.take(2))) == list(range(7))
    notifier.info({}, "type", "alone")
    assert listener.take(1) == [["alone"]]
