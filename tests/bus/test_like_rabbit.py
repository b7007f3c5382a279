"""Where `fake://` is too kind to find mistakes, ours does as RabbitMQ: serialisation, errors, undelivered."""

from __future__ import annotations

import datetime
import logging
import threading
import time
from typing import Any

import oslo_messaging
import pytest

from onestack_runtime.drivers.bus import queues
from onestack_runtime.drivers.bus.call import PendingCall

from .conftest import PATIENCE, Bus, Inbox


def test_what_arrives_is_what_json_holds(ours: Bus, inbox: Inbox) -> None:
    ours.serve(inbox)
    moment = datetime.datetime(2026, 8, 22, 12, 30)
    sent = {"tuple": (1, 2), "time": moment, 3: "key", "bytes": b"raw", "set": {7}}
    returned = ours.client().call({}, "ping", arg=sent)
    expected = {"tuple": [1, 2], "time": "2026-08-22T12:30:00.000000", "3": "key", "bytes": "raw", "set": [7]}
    assert inbox.next() == expected
    assert returned == expected


def test_no_object_is_shared(ours: Bus) -> None:
    kept: dict[str, Any] = {}

    class Endpoint:
        def keep(self, ctxt: Any, arg: Any) -> Any:
            kept.update(ctxt=ctxt, arg=arg)
            return arg

    ours.serve(Endpoint())
    context, argument = {"roles": ["a"]}, {"list": [1]}
    returned = ours.client().call(context, "keep", arg=argument)
    kept["arg"]["list"].append("server's")
    kept["ctxt"]["roles"].append("server's")
    assert (context, argument, returned) == ({"roles": ["a"]}, {"list": [1]}, {"list": [1]})


def test_each_receiver_of_a_fanout_gets_its_own_copy(ours: Bus) -> None:
    boxes = [Inbox(), Inbox()]
    for number, box in enumerate(boxes):
        ours.serve(box, server=f"s{number}")
    ours.client(fanout=True).cast({}, "ping", arg=[])
    first, second = (box.next() for box in boxes)
    assert first is not second


@pytest.mark.parametrize("way", ["call", "cast"])
def test_what_json_cannot_hold_is_refused_at_the_sender(ours: Bus, inbox: Inbox, way: str) -> None:
    ours.serve(inbox)
    with pytest.raises((TypeError, ValueError)):
        getattr(ours.client(), way)({}, "ping", arg=object())
    assert ours.client().call({}, "ping", arg="next") == "next"
    assert inbox.take(1) == ["next"]


def test_a_reply_that_json_cannot_hold_is_an_error_at_the_client(ours: Bus) -> None:
    class Endpoint:
        def bad(self, ctxt: Any) -> Any:
            return object()

        def worse(self, ctxt: Any) -> Any:
            raise RuntimeError(object())

    ours.serve(Endpoint())
    for method in ("bad", "worse"):
        with pytest.raises(TypeError, match="cannot be serialised"):
            ours.client().call({}, method)


class RebuiltError(Exception):
    """Known to clients that allow this module."""

    def __init__(self, text: str, **kwargs: Any) -> None:
        super().__init__(text)
        self.kwargs = kwargs


class FailingEndpoint:
    def fail(self, ctxt: Any) -> None:
        raise RebuiltError("no", code=409)


def test_an_allowed_error_is_rebuilt_with_its_trace(ours: Bus) -> None:
    ours.serve(FailingEndpoint())
    with pytest.raises(RebuiltError) as caught:
        ours.client(transport=ours.rpc(exmods=(__name__,))).call({}, "fail")
    assert type(caught.value).__name__ == "RebuiltError_Remote"
    assert caught.value.kwargs == {"code": 409}
    assert str(caught.value).startswith("no\nTraceback")
    assert "FailingEndpoint" not in str(caught.value.args)


def test_other_errors_are_told_not_rebuilt(ours: Bus) -> None:
    ours.serve(FailingEndpoint())
    with pytest.raises(oslo_messaging.RemoteError) as caught:
        ours.client().call({}, "fail")
    assert (caught.value.exc_type, caught.value.value) == ("RebuiltError", "no")


def test_a_heartbeat_keeps_a_monitored_call_alive(ours: Bus) -> None:
    """The server's side by hand: oslo.messaging's sends heartbeats not oftener than once a second."""
    patient = threading.Event()

    def serve(incoming: list[Any]) -> None:
        message = incoming[0]
        assert message.client_timeout == 0.6
        message.acknowledge()
        for _ in range(5):
            patient.wait(0.15)
            message.heartbeat()
        message.reply("at last")

    driver = ours.driver()
    target = oslo_messaging.Target(topic="t", server="s")
    listener = driver.listen(target, 1, None)
    listener.start(serve)
    try:
        options = {"wait_for_reply": True, "timeout": PATIENCE, "call_monitor_timeout": 0.6}
        assert driver.send(target, {}, {"method": "m"}, **options) == "at last"
    finally:
        driver.cleanup()


def test_a_monitored_call_without_heartbeat_ends_early(ours: Bus) -> None:
    began = time.monotonic()
    with pytest.raises(oslo_messaging.MessagingTimeout):
        ours.client(timeout=3600, call_monitor_timeout=0.1).call({}, "ping")
    assert time.monotonic() - began < 3600


def test_a_servers_heartbeats_come_by_themselves(ours: Bus) -> None:
    release = threading.Event()

    class Endpoint:
        def slow(self, ctxt: Any) -> str:
            release.wait(2.3)
            return "done"

    ours.serve(Endpoint())
    assert ours.client(timeout=PATIENCE, call_monitor_timeout=2).call({}, "slow") == "done"


def test_only_the_first_answer_counts() -> None:
    call = PendingCall(None, None)
    assert call.set_reply("first")
    assert not call.set_reply("second")
    assert call.wait() == "first"
    late = PendingCall(0, None)
    assert late.wait() is None
    assert not late.set_reply("late")
    assert not late.heartbeat()


def test_a_timeout_says_whether_anybody_listens(ours: Bus) -> None:
    release = threading.Event()

    class Endpoint:
        def slow(self, ctxt: Any) -> None:
            release.wait(PATIENCE)

    with pytest.raises(oslo_messaging.MessagingTimeout, match=r"slow from openstack\.topic: nobody listens"):
        ours.client(timeout=0.05).call({}, "slow")
    ours.serve(Endpoint())
    with pytest.raises(oslo_messaging.MessagingTimeout, match="the server has not finished"):
        ours.client(timeout=0.05).call({}, "slow")
    release.set()


@pytest.mark.parametrize("target", [{}, {"server": "server"}])
def test_a_cast_waits_for_its_server(ours: Bus, inbox: Inbox, target: dict[str, str]) -> None:
    client = ours.client(**target)
    for number in range(3):
        client.cast({}, "ping", arg=number)
    ours.serve(inbox, workers=1)
    assert inbox.take(3) == [0, 1, 2]


def test_a_call_waits_for_its_server_until_its_caller_gives_up(ours: Bus, inbox: Inbox) -> None:
    with pytest.raises(oslo_messaging.MessagingTimeout):
        ours.client(timeout=0.05).call({}, "ping", arg="given up")
    answers: list[Any] = []
    caller = threading.Thread(target=lambda: answers.append(ours.client().call({}, "ping", arg="waited")))
    caller.start()
    ours.serve(inbox)
    caller.join(PATIENCE)
    assert answers == ["waited"]
    assert inbox.take(1) == ["waited"]
    assert inbox.got.empty()


def test_a_fanout_does_not_wait(ours: Bus, inbox: Inbox) -> None:
    ours.client(fanout=True).cast({}, "ping", arg="to nobody")
    ours.serve(inbox)
    ours.client().call({}, "ping", arg="later")
    assert inbox.take(1) == ["later"]
    assert inbox.got.empty()


def test_at_least_once_is_refused_when_nobody_listens(ours: Bus, inbox: Inbox) -> None:
    client = oslo_messaging.get_rpc_client(
        ours.rpc(),
        oslo_messaging.Target(topic="topic", server="server"),
        transport_options=oslo_messaging.TransportOptions(at_least_once=True),
    )
    with pytest.raises(oslo_messaging.MessageUndeliverable):
        client.call({}, "ping")
    ours.serve(inbox)
    assert client.call({}, "ping", arg=1) == 1


def test_a_full_rpc_queue_refuses(ours: Bus, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(queues.LIMITS, queues.Kind.RPC, (3, queues.MIB))
    client = ours.client()
    for number in range(3):
        client.cast({}, "ping", arg=number)
    with pytest.raises(oslo_messaging.MessageDeliveryFailure, match=r"3 messages .* wait for"):
        client.cast({}, "ping", arg="one too many")
    ours.serve(inbox, workers=1)
    assert inbox.take(3) == [0, 1, 2]
    client.call({}, "ping", arg="room again")
    assert inbox.take(1) == ["room again"]


def test_calls_given_up_make_room(ours: Bus, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(queues.LIMITS, queues.Kind.RPC, (3, queues.MIB))
    for _ in range(5):
        with pytest.raises(oslo_messaging.MessagingTimeout):
            ours.client(timeout=0).call({}, "ping", arg="given up")
    ours.client().cast({}, "ping", arg="wanted")
    ours.serve(inbox)
    assert inbox.take(1) == ["wanted"]


def test_unheard_notifications_forget_the_oldest_and_say_so(
    ours: Bus, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(queues.LIMITS, queues.Kind.NOTIFICATION, (3, queues.MIB))
    heard = Inbox()

    class Endpoint:
        def info(self, ctxt: Any, publisher: str, event_type: str, payload: Any, metadata: Any) -> None:
            heard.got.put(payload)

    with caplog.at_level(logging.WARNING):
        for number in range(10):
            ours.notifier().info({}, "type", number)
    assert sum("openstack.topic.info: dropping the oldest" in line for line in caplog.messages) == 1
    ours.listen(Endpoint())
    assert sorted(heard.take(3)) == [7, 8, 9]


def test_size_counts_too(ours: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(queues.LIMITS, queues.Kind.RPC, (1000, 1000))
    client = ours.client()
    client.cast({}, "ping", arg="x" * 5000)  # alone in its queue even a large one is taken
    with pytest.raises(oslo_messaging.MessageDeliveryFailure):
        client.cast({}, "ping", arg="x")


def test_virtual_hosts_are_apart(ours: Bus, inbox: Inbox) -> None:
    elsewhere = Bus("onestack")
    try:
        ours.serve(inbox)
        with pytest.raises(oslo_messaging.MessagingTimeout, match="nobody listens"):
            elsewhere.client(timeout=0.05).call({}, "ping")
    finally:
        elsewhere.close()
