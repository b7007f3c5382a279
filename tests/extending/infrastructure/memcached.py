"""An infrastructure service as its module declares it: memcached on every control host."""

from __future__ import annotations

from onestack.core.contract import LIB, RUN
from onestack.core.events import Emit
from onestack.platform.node import Node
from onestack.platform.shape import InfrastructureService, Process, Ready, Step, local
from onestack.platform.site import Site
from onestack.platform.view import View

NAME = "memcached"
FILES = "memcached files"


def _make_files(site: Site, node: Node, emit: Emit) -> None:
    node.outside(f"{LIB}/memcached").mkdir(parents=True, exist_ok=True)


def _processes(view: View) -> tuple[Process, ...]:
    return (
        Process(
            NAME,
            (NAME, f"--data-dir={LIB}/memcached"),
            Ready(socket=f"{RUN}/memcached.sock"),
            needs=local(FILES),
        ),
    )


SERVICE = InfrastructureService(NAME, _processes, steps=lambda view: (Step(FILES, _make_files),))
