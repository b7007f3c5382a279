"""Placement: its API."""

from __future__ import annotations

import os

from onestack_runtime import contract
from onestack_runtime.paths import ETC
from onestack_runtime.replacements import registry
from onestack_runtime.serving import threads
from onestack_runtime.serving.process import Process

THREADS = 8


def main() -> None:
    threads.native()
    registry.install("placement")
    os.environ.setdefault("OS_PLACEMENT_CONFIG_DIR", str(ETC / "placement"))
    from placement.wsgi import init_application

    process = Process("placement")
    process.serve(init_application(), contract.socket("placement"), contract.API_PATHS["placement"], THREADS)
    process.run()


if __name__ == "__main__":
    main()
