"""What a listener holds, hands over and leaves behind."""

from __future__ import annotations

import threading
from typing import Any

import oslo_messaging
import pytest

from onestack_runtime.drivers.bus import listener as listener_module
from onestack_runtime.drivers.bus.broker import Broker

from .conftest import PATIENCE, Bus, Inbox

TARGET = oslo_messaging.Target(topic="t", server="s")


def broker_of(bus: Bus) -> Broker:
    return Broker.of(bus.url.virtual_host)


def cast(driver: Any, *numbers: int, **target: Any) -> None:
    for number in numbers:
        driver.send(oslo_messaging.Target(topic="t", **target), {}, {"method": "m", "n": number})


def test_nothing_is_left_when_all_have_gone(ours: Bus, inbox: Inbox) -> None:
    before = threading.active_count()
    server = ours.serve(inbox)
    ours.client().call({}, "ping", arg=1)
    ours.client(server="server").call({}, "ping", arg=2)
    ours.client(fanout=True).cast({}, "ping", arg=3)
    assert inbox.take(3) == [1, 2, 3]
    server.stop()
    server.wait()
    assert broker_of(ours)._routes == {}
    assert threading.active_count() == before


def test_a_busy_server_holds_no_more_than_its_share(ours: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """So its backlog is bounded, and another server takes it over."""
    monkeypatch.setattr(listener_module, "PREFETCH", 4)
    driver = ours.driver()
    busy, idle = Inbox(), Inbox()
    first = driver.listen(TARGET, 1, None)
    first.start(lambda incoming: busy.got.put(incoming[0]))
    cast(driver, *range(10))
    held = busy.take(4)
    assert busy.got.empty()
    second = driver.listen(oslo_messaging.Target(topic="t", server="s2"), 1, None)

    def take(incoming: list[Any]) -> None:
        incoming[0].acknowledge()
        idle.got.put(incoming[0].message["n"])

    second.start(take)
    assert [message.message["n"] for message in held] == [0, 1, 2, 3]
    assert idle.take(6) == [4, 5, 6, 7, 8, 9]
    driver.cleanup()


def test_an_acknowledgement_lets_the_next_in(ours: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "PREFETCH", 2)
    driver = ours.driver()
    got = Inbox()
    driver.listen(TARGET, 1, None).start(lambda incoming: got.got.put(incoming[0]))
    cast(driver, *range(6))
    held = got.take(2)
    for number in range(4):
        assert got.got.empty()
        held[number].acknowledge()
        held[number].acknowledge()  # twice is once
        held.append(got.next())
    assert [message.message["n"] for message in held] == list(range(6))
    driver.cleanup()


def test_a_requeued_message_goes_to_the_end_and_to_others(ours: Bus) -> None:
    driver = ours.driver()
    got = Inbox()
    first = driver.listen(TARGET, 1, None)
    first.start(lambda incoming: got.got.put(incoming[0]))
    cast(driver, 0, 1)
    zero, one = got.take(2)
    first.stop()
    one.acknowledge()
    zero.requeue()
    cast(driver, 2)
    second = driver.listen(oslo_messaging.Target(topic="t", server="s2"), 1, None)
    second.start(lambda incoming: got.got.put(incoming[0]))
    assert [message.message["n"] for message in got.take(2)] == [0, 2]
    driver.cleanup()


def test_what_a_stopping_listener_took_it_delivers(ours: Bus) -> None:
    driver = ours.driver()
    release, entered, got = threading.Event(), threading.Event(), Inbox()

    def slow(incoming: list[Any]) -> None:
        entered.set()
        release.wait(PATIENCE)
        got.got.put(incoming[0].message["n"])

    listener = driver.listen(TARGET, 1, None)
    listener.start(slow)
    cast(driver, 0, 1, 2)
    assert entered.wait(PATIENCE)
    stopper = threading.Thread(target=listener.stop)
    stopper.start()
    release.set()
    stopper.join(PATIENCE)
    assert got.take(3) == [0, 1, 2]
    cast(driver, 3)
    assert got.got.empty(), "nothing after stop() has returned"
    driver.cleanup()


def test_what_was_never_delivered_goes_back_in_order(ours: Bus) -> None:
    driver = ours.driver()
    never_started = driver.listen(TARGET, 1, None)
    cast(driver, 0, 1)
    cast(driver, 2, server="s")
    never_started.stop()
    cast(driver, 3)
    never_started.cleanup()
    got = Inbox()
    driver.listen(TARGET, 1, None).start(lambda incoming: got.got.put(incoming[0].message["n"]))
    numbers = got.take(4)
    assert [number for number in numbers if number != 2] == [0, 1, 3]
    assert sorted(numbers) == [0, 1, 2, 3]
    driver.cleanup()


def test_a_refusing_executor_does_not_end_the_listener(ours: Bus) -> None:
    driver = ours.driver()
    got = Inbox()

    def picky(incoming: list[Any]) -> None:
        number = incoming[0].message["n"]
        got.got.put(number)
        if number == 0:
            raise RuntimeError("cannot schedule new futures after shutdown")

    driver.listen(TARGET, 1, None).start(picky)
    cast(driver, 0, 1)
    assert got.take(2) == [0, 1]
    driver.cleanup()


def test_a_server_may_be_stopped_by_what_it_serves(ours: Bus) -> None:
    stopped = threading.Event()

    class Endpoint:
        def stop(self, ctxt: Any) -> None:
            server.stop()
            stopped.set()

    server = ours.serve(Endpoint())
    ours.client().cast({}, "stop")
    assert stopped.wait(PATIENCE)


def test_cleanup_of_one_transport_leaves_the_others(ours: Bus, inbox: Inbox) -> None:
    mine, theirs = ours.rpc(), ours.rpc()
    ours.serve(Inbox(), transport=mine, topic="mine")
    ours.serve(inbox, transport=theirs, topic="theirs")
    mine.cleanup()
    mine.cleanup()
    assert ours.client(topic="theirs").call({}, "ping", arg=1) == 1
    with pytest.raises(oslo_messaging.MessagingTimeout, match="nobody listens"):
        ours.client(topic="mine", timeout=0.05).call({}, "ping")
