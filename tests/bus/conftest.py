"""Transports, servers and clients on one bus, for oslo.messaging's own `fake://` and for ours alike."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import futurist._thread
import oslo_messaging.opts
import pytest
from oslo_config import cfg
from oslo_messaging._metrics import client as metrics
from oslo_messaging.transport import NotificationTransport, RPCTransport

from onestack_runtime.drivers.bus.driver import LocalDriver

PATIENCE = 30  # seconds until a message that does not come counts as lost


class Bus:
    """What a test needs of a bus; everything it started is stopped at the end."""

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        self.conf = cfg.ConfigOpts()
        self.conf([])
        for group, options in oslo_messaging.opts.list_opts():
            self.conf.register_opts(options, group)
        # These upstream registers on its global configuration only.
        self.conf.register_opts(metrics.oslo_messaging_metrics, "oslo_messaging_metrics")
        self._closing: list[Callable[[], object]] = []
        # A bus of its own for each test, as one broker serves the whole process.
        self.url = oslo_messaging.TransportURL.parse(self.conf, f"{scheme}:///{uuid.uuid4().hex}")

    def driver(self, exchange: str = "openstack", exmods: tuple[str, ...] = ()) -> Any:
        if self.scheme == "fake":
            self.conf.set_override("control_exchange", exchange)
            return oslo_messaging.get_rpc_transport(self.conf, self.url, list(exmods))._driver
        return LocalDriver(self.conf, self.url, exchange, list(exmods))

    def rpc(self, exchange: str = "openstack", exmods: tuple[str, ...] = ()) -> Any:
        return self._kept(RPCTransport(self.driver(exchange, exmods)))

    def notifications(self, exchange: str = "openstack") -> Any:
        return self._kept(NotificationTransport(self.driver(exchange)))

    def serve(
        self, *endpoints: object, transport: Any = None, workers: int | None = None, **target: Any
    ) -> Any:
        target = {"topic": "topic", "server": "server", **target}
        return self.run(
            oslo_messaging.get_rpc_server(
                transport or self.rpc(), oslo_messaging.Target(**target), list(endpoints)
            ),
            workers,
        )

    def client(self, transport: Any = None, timeout: float | None = PATIENCE, **target: Any) -> Any:
        options = {key: target.pop(key) for key in ("call_monitor_timeout",) if key in target}
        target = {"topic": "topic", **target}
        return oslo_messaging.get_rpc_client(
            transport or self.rpc(), oslo_messaging.Target(**target), timeout=timeout, **options
        )

    def listen(
        self, *endpoints: object, topics: tuple[str, ...] = ("topic",), batch: Any = None, **options: Any
    ) -> Any:
        transport = options.pop("transport", None) or self.notifications()
        targets = [oslo_messaging.Target(topic=topic, exchange=options.get("exchange")) for topic in topics]
        options.pop("exchange", None)
        make: Any = oslo_messaging.get_notification_listener
        if batch:
            make = oslo_messaging.get_batch_notification_listener
            options.update(batch_size=batch[0], batch_timeout=batch[1])
        return self.run(make(transport, targets, list(endpoints), allow_requeue=True, **options))

    def notifier(self, topic: str = "topic", transport: Any = None) -> Any:
        return oslo_messaging.Notifier(
            transport or self.notifications(), publisher_id="publisher", driver="messaging", topics=[topic]
        )

    def run(self, server: Any, workers: int | None = None) -> Any:
        server.start(override_pool_size=workers)
        self._closing.append(server.wait)
        self._closing.append(server.stop)
        return server

    def close(self) -> None:
        while self._closing:
            self._closing.pop()()

    def _kept(self, transport: Any) -> Any:
        self._closing.insert(0, transport.cleanup)
        return transport


class Inbox:
    """An endpoint that keeps what it got. `next` fails the test when nothing comes."""

    def __init__(self) -> None:
        self.got: queue.Queue[Any] = queue.Queue()

    def ping(self, ctxt: Any, arg: Any = None) -> Any:
        self.got.put(arg)
        return arg

    def next(self) -> Any:
        return self.got.get(timeout=PATIENCE)

    def take(self, count: int) -> list[Any]:
        return [self.next() for _ in range(count)]


@pytest.fixture(autouse=True)
def quick_executors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Upstream's idle workers look only once a second whether they are to stop."""
    monkeypatch.setattr(futurist._thread.ThreadWorker, "MAX_IDLE_FOR", 0.01)


@pytest.fixture(params=["fake", "onestack"])
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    """Either driver: what is tested with it is what oslo.messaging expects of any."""
    bus = Bus(request.param)
    yield bus
    bus.close()


@pytest.fixture
def ours() -> Iterator[Bus]:
    """Our driver, where it does as RabbitMQ does and `fake://` does not."""
    bus = Bus("onestack")
    yield bus
    bus.close()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()
