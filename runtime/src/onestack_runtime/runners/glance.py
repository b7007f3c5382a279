"""Glance: its API and the tasks that import images, in one process."""

from __future__ import annotations

import os

from onestack_runtime import contract
from onestack_runtime.paths import ETC, LIB, folder
from onestack_runtime.replacements import registry
from onestack_runtime.serving import threads
from onestack_runtime.serving.process import Process

THREADS = 8


def main() -> None:
    threads.native()
    registry.install("glance")
    os.environ.setdefault("OS_GLANCE_CONFIG_DIR", str(ETC / "glance"))
    for name in ("images", "staging", "tasks"):
        folder(LIB / "glance" / name)
    from glance.common.wsgi_app import drain_workers, init_app

    process = Process("glance")
    process.serve(init_app(), contract.socket("glance"), contract.API_PATHS["glance"], THREADS)
    process.at_end("import tasks", drain_workers)
    process.run()


if __name__ == "__main__":
    main()
