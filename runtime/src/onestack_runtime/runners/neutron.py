"""Neutron: API, periodic workers, OVN maintenance and the OVN agent (metadata) as threads of one process.

With OVN there are no RPC workers. The maintenance worker is initialized before the API: OVN's driver has one pair of
database connections, those of the last initialization, and only the API's deliver the events that make a port ACTIVE.
"""

from __future__ import annotations

# Before any library of OpenStack's is imported: it selects native threads, where libraries would select eventlet.
import neutron  # noqa: F401  isort: skip

import logging
import os
from collections.abc import Container

from onestack_runtime import contract, series
from onestack_runtime.paths import ETC, LIB, RUN, folder
from onestack_runtime.replacements import empty_tables, registry
from onestack_runtime.replacements.processors import NAME as ONE_PROCESSOR
from onestack_runtime.replacements.relations import EMPTY_TABLES
from onestack_runtime.serving import processors, workers
from onestack_runtime.serving.process import Process

LOG = logging.getLogger(__name__)
WORKERS = API, AGENT = "api", "agent"
API_THREADS = 12


def main() -> None:
    # Before any of Neutron's models is imported: when models are first used, SQLAlchemy decides how related rows are
    # loaded.
    chosen = workers.chosen(WORKERS)
    active = registry.install("neutron", workers=chosen, alone=workers.is_all(WORKERS))
    if ONE_PROCESSOR in active:
        processors.pin(processors.NEUTRON)
    os.environ.setdefault("OS_NEUTRON_CONFIG_DIR", str(ETC / "neutron"))
    os.environ.setdefault("OS_NEUTRON_CONFIG_FILES", "neutron.conf;ml2_conf.ini")
    # OVN's driver reads from the server the number of API processes, and writes its start time to a file that must
    # not outlive the process.
    os.environ["ASGI_WORKERS"] = "1"
    os.environ["TMPDIR"] = str(folder(RUN / "neutron", 0o700))
    for stale in (RUN / "neutron").glob("neutron_start_time*"):
        stale.unlink()
    folder(LIB / "neutron")
    process = Process("neutron")
    if API in chosen:
        _serve_api(process, active)
    else:
        process.serve(workers.no_api, contract.socket("neutron"), contract.API_PATHS["neutron"], 1)
    if AGENT in chosen:
        from onestack_runtime.runners.neutron_agent import Agent, configure

        if API not in chosen:
            configure()
        agent = Agent()
        process.worker("ovn agent", agent.start, agent.stop, retry=False)
    process.run()


def _serve_api(process: Process, active: Container[str]) -> None:
    """Serve the API, and start its periodic workers and OVN maintenance."""
    from neutron import policy, server
    from neutron.server import api
    from neutron_lib.db import api as database
    from neutron_lib.db import model_base
    from neutron_lib.policy import _engine as roles

    from onestack_runtime.runners.neutron_workers import Workers

    application = server.boot_server(api.api_server, **series.here().boot_server)
    # Otherwise the first request would load the policy rules, and a concurrent one would see half of them (HTTP 403).
    policy.init()
    roles.init()
    if EMPTY_TABLES in active:
        engine = database.get_context_manager().writer.get_engine()
        empty_tables.EMPTY.learn(engine, empty_tables.related(model_base.BASEV2))
    process.serve(application, contract.socket("neutron"), contract.API_PATHS["neutron"], API_THREADS)
    behind = Workers()
    process.worker("neutron workers", behind.start, behind.stop, retry=False)


if __name__ == "__main__":
    main()
