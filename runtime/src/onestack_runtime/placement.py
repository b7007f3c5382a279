"""Placement: its API."""

from __future__ import annotations

import os

from onestack_runtime import threads
from onestack_runtime.places import API, ETC
from onestack_runtime.process import Process
from onestack_runtime.replacements import registry

THREADS = 8


def main() -> None:
    threads.native()
    registry.install("placement")
    os.environ.setdefault("OS_PLACEMENT_CONFIG_DIR", str(ETC / "placement"))
    from placement.wsgi import init_application

    process = Process("placement")
    process.serve(init_application(), str(API / "placement.sock"), "placement", THREADS)
    process.run()


if __name__ == "__main__":
    main()
