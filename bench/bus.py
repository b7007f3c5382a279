"""The in-process bus against oslo.messaging's `fake://`: latency and throughput of calls, casts, fanouts.

Both run in this process, one after the other, several times in turn, through oslo.messaging's own client and
server. Printed are medians over the rounds, and how many times better ours is.

    uv run python -W ignore bench/bus.py [--rounds 5] [--calls 200]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measuring

measuring.demand_module("oslo_messaging")
sys.path.insert(0, str(Path(__file__).parents[1] / "runtime" / "src"))

import oslo_messaging
from oslo_config import cfg
from oslo_messaging._metrics import client as metrics
from oslo_messaging.transport import RPCTransport

from onestack_runtime.drivers.bus.driver import LocalDriver

PAYLOAD = {"instance": {"uuid": str(uuid.UUID(int=1)), "metadata": {str(n): "value" * 4 for n in range(40)}}}
CLIENTS = 8  # threads that call at once


class Endpoint:
    """Echoes, and counts casts until as many came as were awaited."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seen = 0

    def echo(self, ctxt: Any, arg: Any) -> Any:
        return arg

    def count(self, ctxt: Any, arg: Any) -> None:
        with self._changed:
            self._seen += 1
            self._changed.notify_all()

    def await_casts(self, number: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._seen >= number, timeout=120):
                raise TimeoutError(f"{self._seen} of {number} casts arrived in 120 s")
            self._seen = 0


def transport_of(scheme: str) -> Any:
    conf = cfg.ConfigOpts()
    conf([])
    conf.register_opts(metrics.oslo_messaging_metrics, "oslo_messaging_metrics")
    fake = oslo_messaging.get_rpc_transport(conf, "fake://")
    if scheme == "fake":
        return fake
    url = oslo_messaging.TransportURL.parse(conf, f"onestack:///{uuid.uuid4().hex}")
    return RPCTransport(LocalDriver(conf, url, "openstack", []))


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_threads(work: Callable[[], object], number: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def one_round(scheme: str, calls: int) -> dict[str, float]:
    """One server, fresh; what each figure means is its name."""
    transport, endpoint = transport_of(scheme), Endpoint()
    target = oslo_messaging.Target(topic="bench", server="server")
    server = oslo_messaging.get_rpc_server(transport, target, [endpoint])
    server.start()
    client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="bench"), timeout=60)

    def call() -> Any:
        return client.call({}, "echo", arg=PAYLOAD)

    def call_each() -> None:
        for _ in range(calls // CLIENTS):
            call()

    def cast_all(sender: Any) -> None:
        for _ in range(calls * 5):
            sender.cast({}, "count", arg=1)
        endpoint.await_casts(calls * 5)

    try:
        call()
        latencies = sorted(seconds(call) for _ in range(calls))
        return {
            "call, one after another, p50 ms": statistics.median(latencies) * 1000,
            "call, one after another, p99 ms": latencies[int(len(latencies) * 0.99)] * 1000,
            f"calls per second, {CLIENTS} threads": calls / seconds(lambda: in_threads(call_each, CLIENTS)),
            "casts per second": calls * 5 / seconds(lambda: cast_all(client)),
            "fanouts per second": calls * 5 / seconds(lambda: cast_all(client.prepare(fanout=True))),
        }
    finally:
        server.stop()
        server.wait()
        transport.cleanup()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--calls", type=int, default=200, help="per round; casts are five times as many")
    chosen = arguments.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {"fake": [], "onestack": []}
    for _ in range(chosen.rounds):
        for scheme, results in rounds.items():
            results.append(one_round(scheme, chosen.calls))
    print(f"{f'median of {chosen.rounds} rounds':36} {'fake://':>10} {'onestack://':>12} {'better':>9}")
    for figure in rounds["fake"][0]:
        fake, ours = (statistics.median(each[figure] for each in rounds[s]) for s in ("fake", "onestack"))
        ratio = fake / ours if figure.endswith("ms") else ours / fake
        print(f"{figure:36} {fake:>10.2f} {ours:>12.2f} {ratio:>8.1f}x")


if __name__ == "__main__":
    measuring.run(main)
