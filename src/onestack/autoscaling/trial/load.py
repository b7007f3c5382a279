"""Sends HTTP requests at a fixed rate (open loop: a slow response delays no other request), up to a maximum."""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

MOST = 50_000
"""The maximum number of requests of a load."""
THREADS = 256
"""How many requests may be in flight; a request that must wait for a thread is late, and its time includes the wait.
"""


@dataclass(frozen=True)
class Answer:
    """One request and its outcome. `at`: when it was due, monotonic seconds; `took`: seconds from then until it was
    completed; `who`: the hostname on the page.

    `wrong`: why it failed; empty if it did not.
    """

    at: float
    took: float
    who: str
    wrong: str


class Load:
    """Sends requests to one address until `stop`. Create it in a thread that is in a network which reaches the
    address."""

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
        """All responses so far, in the order of completion."""
        with self._guard:
            return list(self._answers)

    def stop(self) -> list[Answer]:
        """Send no more requests; wait for those in flight."""
        self._stop.set()
        self._pacer.join()
        self._pool.shutdown(wait=True)
        return self.answers()

    def _pace(self) -> None:
        due = time.monotonic()
        for _ in range(MOST):
            due += 1 / self.rate
            # After a delay of more than a second (a busy machine) the missed requests are not sent in a burst.
            due = max(due, time.monotonic() - 1.0)
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            self._pool.submit(self._send_request, due)

    def _send_request(self, due: float) -> None:
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
