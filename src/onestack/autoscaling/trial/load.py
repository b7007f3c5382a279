"""A load of HTTP requests at a fixed rate: open loop, so that a slow answer delays no other; bounded in number."""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

MOST = 50_000
"""Requests of one load at the most."""
THREADS = 256
"""Requests under way at a time at the most; one that finds no thread free is late, and counts as it ends."""


@dataclass(frozen=True)
class Answer:
    """One request. `at`: when it was due, monotonic seconds; `took`: seconds from then; `who`: the page's hostname.

    `wrong`: why it failed, empty if it did not.
    """

    at: float
    took: float
    who: str
    wrong: str


class Load:
    """Requests to one address until `stop`. The thread that makes it, and so all of its threads, must be where the
    address is reached."""

    def __init__(
        self, address: str, rate: float, *, port: int = 80, path: str = "/", patience: float = 10.0
    ) -> None:
        self.rate = rate
        self._address, self._port, self._path, self._patience = address, port, path, patience
        self._answers: list[Answer] = []
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="load")
        self._pacer = threading.Thread(target=self._pace, name="pacer", daemon=True)
        self._pacer.start()

    def answers(self) -> list[Answer]:
        """All so far, in the order in which they ended."""
        with self._guard:
            return list(self._answers)

    def stop(self) -> list[Answer]:
        """No more requests; those under way are waited for."""
        self._stop.set()
        self._pacer.join()
        self._pool.shutdown(wait=True)
        return self.answers()

    def _pace(self) -> None:
        due = time.monotonic()
        for _ in range(MOST):
            due += 1 / self.rate
            # Behind by more than a second (a busy machine): no burst to catch up.
            due = max(due, time.monotonic() - 1.0)
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            self._pool.submit(self._one, due)

    def _one(self, due: float) -> None:
        who, wrong = "", ""
        connection = http.client.HTTPConnection(self._address, self._port, timeout=self._patience)
        try:
            connection.request("GET", self._path, headers={"Connection": "close"})
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            if answer.status != 200:
                wrong = f"status {answer.status}"
            elif text.startswith("hostname="):
                who = text.partition("=")[2].split()[0]
        except (OSError, http.client.HTTPException) as error:
            wrong = repr(error)
        finally:
            connection.close()
        with self._guard:
            self._answers.append(Answer(due, time.monotonic() - due, who, wrong))
