"""How fast balancers are made and changed, and what goes through one beside the same HAProxy run by hand.

    python bench/balancers.py [--root DIR] [--count 10] [--seconds 5] [--rounds 3]

Without a root a cloud of its own is brought up and taken away. Prints p50 of create -> ACTIVE; seconds from the
end of the API call that adds, drains or removes a member until requests show it; how long a killed HAProxy is
away; requests a second through a balancer and through a HAProxy started by hand in the same network namespaces,
in turns, with the CPU seconds each took for a thousand requests.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import measuring

from cloud import cpu_seconds
from onestack import Cloud

BAR_CREATE = 4.0
BAR_MEMBER = 1.0
BAR_RATE = 0.9
CLIENTS = 2
HAND_PORT = 8081

_HAND = """\
global
    maxconn 5000
    nbthread {threads}
    user nobody
    group nogroup
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
    retries 3
    option redispatch
    option splice-request
    option splice-response
    option http-keep-alive
frontend hand
    bind {address}:{port}
    default_backend members
backend members
    http-reuse safe
    balance roundrobin
    fullconn 5000
    server one {member}:80 weight 1
"""
_MEMBER = """\
global
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
frontend all
    bind :80
    http-request return status 200 content-type text/plain string "member"
"""


def helpers() -> ModuleType:
    """The namespaces that the tests use as members."""
    place = Path(__file__).resolve().parent.parent / "tests/cloud/members.py"
    spec = importlib.util.spec_from_file_location("members", place)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def client(address: str, port: int, seconds: float, counted: Any) -> None:
    """Ask again and again on one connection."""
    request = f"GET / HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    done, until = 0, time.monotonic() + seconds
    with socket.create_connection((address, port), 10) as sock:
        sock.settimeout(10)
        while time.monotonic() < until:
            for _ in range(50):
                sock.sendall(request)
                if not sock.recv(4096):
                    raise ConnectionError("closed")
                done += 1
    with counted.get_lock():
        counted.value += done


def rate(address: str, port: int, seconds: float) -> float:
    """Requests a second."""
    counted = multiprocessing.Value("l", 0)
    begun = time.monotonic()
    clients = [
        multiprocessing.Process(target=client, args=(address, port, seconds, counted)) for _ in range(CLIENTS)
    ]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
        assert each.exitcode == 0, "a client failed"
    return float(counted.value) / (time.monotonic() - begun)


def effective(members: ModuleType, ip: str, wanted: set[str], call: Any, settle: Any) -> float:
    """Seconds from the end of an API call until only these answer, four times in a row."""
    call()
    ended = time.monotonic()
    while True:
        since = time.monotonic() - ended
        if set(members.who(ip, 4)) == wanted:
            settle()
            return since


def measure(cloud: Cloud, count: int, seconds: float, rounds: int) -> None:
    members = helpers()
    with members.field_of(cloud, "bench", "10.71.0.0/24") as field:
        api = field.admin.load_balancer
        one, two = field.machine("bench-one"), field.machine("bench-two")
        for each in (one, two):
            each.serve()
        times = []
        for number in range(count):
            begun = time.monotonic()
            lb = field.balancer(f"bench-{number}")
            times.append(time.monotonic() - begun)
        say(f"create -> ACTIVE: p50 {statistics.median(times):.2f} s of {count} (bar {BAR_CREATE:.0f} s)")
        ip = field.floating(lb)
        listener = api.create_listener(load_balancer_id=lb.id, protocol="HTTP", protocol_port=80)
        field.active(lb.id)
        pool = api.create_pool(listener_id=listener.id, protocol="HTTP", lb_algorithm="ROUND_ROBIN")
        field.active(lb.id)

        def add(machine: Any) -> Any:
            return api.create_member(pool.id, address=machine.address, protocol_port=80)

        def settle() -> None:
            field.active(lb.id)

        add(one)
        settle()
        changes: dict[str, list[float]] = {"add": [], "drain": [], "remove": []}
        for _ in range(count):
            made: list[Any] = []
            both, alone = {"bench-one", "bench-two"}, {"bench-one"}
            changes["add"].append(
                effective(members, ip, both, lambda kept=made: kept.append(add(two)), settle)
            )
            ident = made[0].id
            changes["drain"].append(
                effective(members, ip, alone, lambda i=ident: api.update_member(i, pool.id, weight=0), settle)
            )
            api.update_member(ident, pool.id, weight=1)
            settle()
            changes["remove"].append(
                effective(members, ip, alone, lambda i=ident: api.delete_member(i, pool.id), settle)
            )
        for name, took in changes.items():
            say(f"{name} a member -> effective: p50 {statistics.median(took):.2f} s (bar {BAR_MEMBER:.0f} s)")
        died = [away(members, cloud, lb.id, ip) for _ in range(3)]
        say(f"HAProxy killed -> serves again: p50 {statistics.median(died):.2f} s (bar 2 s)")
        # The security group lets in what a listener is for; one that is off binds nothing.
        api.create_listener(
            load_balancer_id=lb.id, protocol="TCP", protocol_port=HAND_PORT, is_admin_state_up=False
        )
        settle()
        for each in (one, two):
            each.stop()
        compare(members, cloud, lb, ip, one, seconds, rounds)


def away(members: ModuleType, cloud: Cloud, ident: str, ip: str) -> float:
    """Kill a balancer's HAProxy; seconds until another one answers."""
    file = cloud.site.leader.outside(f"/run/octavia/balancers/lb-{ident.replace('-', '')[:11]}/pid")
    killed = int(file.read_text())
    os.kill(killed, signal.SIGKILL)
    begun = time.monotonic()
    while True:
        try:
            if int(file.read_text()) != killed and members.get(ip, seconds=1)[0] == 200:
                return time.monotonic() - begun
        except (OSError, ValueError):
            time.sleep(0.02)


def compare(
    members: ModuleType, cloud: Cloud, lb: Any, ip: str, machine: Any, seconds: float, rounds: int
) -> None:
    """Requests a second through the balancer and through a HAProxy run by hand, in turns."""
    scratch = cloud.site.leader.outside("/var/lib/tmp")
    (scratch / "member.cfg").write_text(_MEMBER)
    threads = min(4, os.cpu_count() or 1)
    text = _HAND.format(threads=threads, address=lb.vip_address, port=HAND_PORT, member=machine.address)
    (scratch / "hand.cfg").write_text(text)
    machine.start("haproxy", "-db", "-f", "/tmp/member.cfg")
    name = "lb-" + lb.id.replace("-", "")[:11]
    words = ["nsenter", f"--net=/run/netns/{name}", "--", "haproxy", "-db", "-f", "/tmp/hand.cfg"]
    by_hand = subprocess.Popen(cloud.site.leader.enter(words))
    try:
        pids = [int(each.split()[0]) for each in members.ask_haproxy(cloud, lb.id, "show proc").splitlines()
                if " worker " in each]  # fmt: skip
        sides = {"balancer": (80, pids), "by hand": (HAND_PORT, [by_hand.pid])}
        rates: dict[str, list[float]] = {each: [] for each in sides}
        costs: dict[str, list[float]] = {each: [] for each in sides}
        for side, (port, _) in sides.items():
            assert rate(ip, port, 1) > 0, side
        for _ in range(rounds):
            for side, (port, processes) in sides.items():
                before = cpu_seconds(processes)
                found = rate(ip, port, seconds)
                rates[side].append(found)
                costs[side].append(1000 * (cpu_seconds(processes) - before) / (found * seconds))
        for side in sides:
            say(
                f"{side}: {statistics.median(rates[side]):.0f} requests/s, "
                f"{statistics.median(costs[side]):.3f} CPU s for 1000"
            )
        ratio = statistics.median(rates["balancer"]) / statistics.median(rates["by hand"])
        say(f"balancer / by hand: {ratio:.2f} (bar {BAR_RATE})")
    finally:
        by_hand.kill()
        by_hand.wait()


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--root", help="a cloud that stands, and is left standing")
    words.add_argument("--count", type=int, default=10)
    words.add_argument("--seconds", type=float, default=5.0)
    words.add_argument("--rounds", type=int, default=3)
    told = words.parse_args()
    own = "platform: {services: [load-balancer]}"
    with measuring.cloud(told.root, own, "load-balancer") as cloud:
        cloud.run(lambda: measure(cloud, told.count, told.seconds, told.rounds))


if __name__ == "__main__":
    measuring.run(main)
