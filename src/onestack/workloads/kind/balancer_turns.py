"""Serializes the changes of each load balancer: Octavia allows one at a time and refuses others."""

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
        """Wait until no change is pending, run the body, and wait until its change is done."""
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
    """Run `body` when no other change of the balancer is pending."""
    with TURNS.at(balancer, session):
        return body()
