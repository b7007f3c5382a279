"""Octavia changes a balancer one thing at a time, and refuses what comes meanwhile: so changes queue here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from onestack.core import wait
from onestack.workloads.kind.base import READY_SECONDS
from onestack.workloads.kind.session import Session

PATH = "/lbaas/loadbalancers"


class Turns:
    """One lock for each balancer."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    @contextmanager
    def at(self, balancer: str, session: Session) -> Iterator[None]:
        """Wait for the balancer, do the body, wait until it has taken it."""
        with self._locks[balancer]:
            _settled(balancer, session)
            yield
            _settled(balancer, session)


def _settled(balancer: str, session: Session) -> None:
    def poll() -> tuple[bool, str]:
        status = session.rest("load-balancer").get(f"{PATH}/{balancer}")["loadbalancer"][
            "provisioning_status"
        ]
        return not str(status).startswith("PENDING"), str(status)

    wait.until(f"load balancer {balancer} to settle", poll, seconds=READY_SECONDS, every=0.3)


TURNS = Turns()


def in_turn(balancer: str, session: Session, body: Callable[[], Any]) -> Any:
    """`body`, when it is its turn at the balancer."""
    with TURNS.at(balancer, session):
        return body()
