"""Cinder still runs on eventlet: the bus must not stop its hub.

In a process of its own, as patching is for good.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PATCHED = """
import eventlet
eventlet.monkey_patch()
import json, threading, time, uuid
import oslo_messaging
from oslo_config import cfg
from oslo_messaging._metrics import client as metrics
from oslo_messaging.transport import RPCTransport
from onestack_runtime.drivers.bus.driver import LocalDriver

conf = cfg.ConfigOpts()
conf([])
oslo_messaging.get_rpc_transport(conf, "fake://")
conf.register_opts(metrics.oslo_messaging_metrics, "oslo_messaging_metrics")
url = oslo_messaging.TransportURL.parse(conf, "onestack://")
transport = RPCTransport(LocalDriver(conf, url, "openstack", []))

class Endpoint:
    def nap(self, ctxt, arg):
        time.sleep(0.2)
        return arg

server = oslo_messaging.get_rpc_server(
    transport, oslo_messaging.Target(topic="t", server="s"), [Endpoint()], executor="eventlet")
server.start()
client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic="t"), timeout=30)
replies, ticks = [], []
def call(number):
    replies.append(client.call({}, "nap", arg=number))

threads = [threading.Thread(target=call, args=(number,)) for number in range(10)]
for thread in threads:
    thread.start()
while len(replies) < 10:
    ticks.append(1)
    time.sleep(0.02)
try:
    client.prepare(timeout=0.05, server="nobody").call({}, "nap", arg=1)
    timed_out = False
except oslo_messaging.MessagingTimeout:
    timed_out = True
server.stop()
server.wait()
print(json.dumps({"replies": sorted(replies), "ticks": len(ticks), "timed_out": timed_out}))
"""


def test_green_threads_call_and_are_not_held_up() -> None:
    runtime = Path(__file__).parents[2] / "runtime" / "src"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PATCHED],
        env={**os.environ, "PYTHONPATH": str(runtime)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["replies"] == list(range(10))
    assert seen["timed_out"] is True
    assert seen["ticks"] > 1, "another green thread ran while calls waited"
