"""Placement: its API."""

from __future__ import annotations

import os

from onestack_runtime import database_connections, schemas, signatures, threads
from onestack_runtime.places import API, ETC
from onestack_runtime.process import Process

THREADS = 8


def main() -> None:
    threads.native()
    database_connections.install()
    os.environ.setdefault("OS_PLACEMENT_CONFIG_DIR", str(ETC / "placement"))
    import jsonschema
    from oslo_policy import _checks
    from placement.wsgi import init_application

    signatures.of_rules(_checks)
    schemas.check_once(jsonschema.Draft202012Validator)
    process = Process("placement")
    process.serve(init_application(), str(API / "placement.sock"), "placement", THREADS)
    process.run()


if __name__ == "__main__":
    main()
