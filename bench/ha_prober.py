"""Sends requests of several kinds to the APIs of a cloud: what bench/ha.py runs beside the hosts.

    python bench/ha_prober.py URL

Reads the administrator's password from its input, and writes `serving` when all kinds have answered. Reads a number
of seconds then: when each kind has been served for so long without a failure it ends, and writes for each kind the
longest time between two successes, in seconds, and how many requests failed.
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

LOOK = 0.1
"""Seconds between two looks at what has become of the requests."""
TIMEOUT = 5.0
"""Of a request, in seconds: one that was lost with its host is answered by nobody."""
MOST = 40
"""Requests of a kind that wait at the same time, at most."""
GIVEN_UP = 300.0
"""Seconds after which it ends, whatever it sees."""


@dataclass
class Kind:
    """Requests of one kind, `every` so many seconds, and what became of them. `times`: of the successes, by the
    monotonic clock."""

    send: Callable[[], None]
    every: float
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
            due += self.every
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

    def _open(
        self, path: str, body: object = None, method: str | None = None, subject: str = ""
    ) -> tuple[str, bytes]:
        headers = {"Content-Type": "application/json", "X-Auth-Token": self._token}
        if subject:
            headers["X-Subject-Token"] = subject
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self._url}/{path}", data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=TIMEOUT, context=self._tls) as answer:
            return answer.headers.get("X-Subject-Token", ""), answer.read()

    def log_in(self) -> None:
        domain = {"name": "Default"}
        user = {"name": "admin", "domain": domain, "password": self._password}
        wanted = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}},
        }
        self._token, _ = self._open("identity/v3/auth/tokens", {"auth": wanted})

    def gateway(self) -> None:
        """Keystone's versions: the API gateway, and no database."""
        self._open("identity/v3")

    def token(self) -> None:
        """Check a token: Keystone and the database."""
        self._open("identity/v3/auth/tokens", subject=self._token)

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
    client.log_in()
    kinds = {
        "gateway": Kind(client.gateway, 0.1),
        "token": Kind(client.token, 0.5),
        "read": Kind(client.read, 0.5),
        "write": Kind(client.write, 1.0),
    }
    end = threading.Event()
    for each in kinds.values():
        threading.Thread(target=each.run, args=(end,), daemon=True).start()
    begun = time.monotonic()
    while not all(each.in_a_row > 3 for each in kinds.values()):
        if time.monotonic() - begun > GIVEN_UP:
            return
        time.sleep(LOOK)
    for each in kinds.values():
        each.times[:-1], each.failed = [], 0
    print("serving", flush=True)
    seconds = float(sys.stdin.readline())
    for each in kinds.values():
        each.in_a_row = 0
    while time.monotonic() - begun < GIVEN_UP and not all(
        each.in_a_row * each.every > seconds for each in kinds.values()
    ):
        time.sleep(LOOK)
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
