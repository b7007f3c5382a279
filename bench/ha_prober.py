"""Sends requests to the APIs of a cloud, ten of each kind a second: what bench/ha.py runs beside the hosts.

    python bench/ha_prober.py URL

Reads the administrator's password from its input, and writes `serving` when all kinds have answered. Reads a number
then: so many successes in a row of each kind end it, and it writes for each kind the longest time between two
successes, in seconds, and how many requests failed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

EVERY = 0.1
"""Seconds between two requests of a kind."""
TIMEOUT = 5.0
"""Of a request, in seconds: one that was lost with its host is answered by nobody."""
MOST = 40
"""Requests of a kind that wait at the same time, at most."""
GIVEN_UP = 300.0
"""Seconds after which it ends, whatever it sees."""


@dataclass
class Kind:
    """Requests of one kind, and what became of them. `times`: when the successes were, by the monotonic clock."""

    send: Callable[[], None]
    times: list[float] = field(default_factory=list)
    failed: int = 0
    in_a_row: int = 0
    waiting: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def one(self) -> None:
        try:
            self.send()
            succeeded = True
        except OSError:
            succeeded = False
        with self.lock:
            self.waiting -= 1
            if succeeded:
                self.times.append(time.monotonic())
                self.in_a_row += 1
            else:
                self.failed += 1
                self.in_a_row = 0

    def run(self, end: threading.Event) -> None:
        due = time.monotonic()
        while not end.wait(max(0.0, due - time.monotonic())):
            due += EVERY
            with self.lock:
                if self.waiting >= MOST:
                    continue
                self.waiting += 1
            threading.Thread(target=self.one, daemon=True).start()


class Client:
    """Of one cloud. Its certificate is not verified: the client has no file of the cloud's."""

    def __init__(self, url: str, password: str) -> None:
        self._url, self._password = url, password
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        self._token = ""

    def _open(self, path: str, body: object = None, method: str | None = None) -> tuple[str, bytes]:
        headers = {"Content-Type": "application/json", "X-Auth-Token": self._token}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self._url}/{path}", data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=TIMEOUT, context=self._tls) as answer:
            return answer.headers.get("X-Subject-Token", ""), answer.read()

    def token(self) -> None:
        """Log in: Keystone and the database."""
        domain = {"name": "Default"}
        user = {"name": "admin", "domain": domain, "password": self._password}
        wanted = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }
        found, _ = self._open("identity/v3/auth/tokens", {"auth": wanted})
        self._token = self._token or found

    def read(self) -> None:
        """List networks: Keystone, Neutron and the database."""
        self._open("networking/v2.0/networks")

    def write(self) -> None:
        """Create and delete a network: OVN's northbound database, too."""
        _, made = self._open("networking/v2.0/networks", {"network": {"name": "probe"}})
        self._open(f"networking/v2.0/networks/{json.loads(made)['network']['id']}", method="DELETE")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("url", help="the APIs' address, without a path")
    client = Client(words.parse_args().url, sys.stdin.readline().strip())
    client.token()
    kinds = {"token": Kind(client.token), "read": Kind(client.read), "write": Kind(client.write)}
    end = threading.Event()
    for each in kinds.values():
        threading.Thread(target=each.run, args=(end,), daemon=True).start()
    begun = time.monotonic()
    while not all(each.in_a_row > 3 for each in kinds.values()):
        if time.monotonic() - begun > GIVEN_UP:
            return
        time.sleep(EVERY)
    for each in kinds.values():
        each.times[:-1], each.failed = [], 0
    print("serving", flush=True)
    needed = int(sys.stdin.readline())
    for each in kinds.values():
        each.in_a_row = 0
    while time.monotonic() - begun < GIVEN_UP and not all(each.in_a_row > needed for each in kinds.values()):
        time.sleep(EVERY)
    end.set()
    ended = time.monotonic()
    found = {}
    for name, each in kinds.items():
        with each.lock:
            times = [*sorted(each.times), ended]
            found[name] = {
                "away": max(after - before for before, after in itertools.pairwise(times)),
                "failed": each.failed,
            }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
