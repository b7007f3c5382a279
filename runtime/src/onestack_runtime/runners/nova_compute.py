"""nova-compute as the only one of Nova's workers in a process, on a host that has no database.

As in upstream's command (`nova.cmd.compute`), a conductor reads and writes the database for it, over the message bus;
it waits for a conductor before it starts. Mapping a new host to a cell needs the database, too: the scheduler's
periodic discovery does that (`[scheduler] discover_hosts_in_cells_interval`).
"""

from __future__ import annotations

import sys

from onestack_runtime.paths import configuration


def configure() -> None:
    """Do what the APIs' start does for the whole process (configuration, logging, objects), in a process without
    them."""
    from nova import config, objects
    from nova.conf import CONF
    from oslo_log import log
    from oslo_service import opts

    config.parse_args([sys.argv[0]], default_config_files=[*map(str, configuration("nova"))])
    log.setup(CONF, "nova")
    opts.register_service_opts(CONF)
    objects.register_all()


def prepare() -> None:
    """The same for a process without a database: from now on nothing in it can open one."""
    import nova.db.main.api
    from nova.conductor import rpcapi
    from nova.objects import base

    configure()
    nova.db.main.api.DISABLE_DB_ACCESS = True
    base.NovaObject.indirection_api = rpcapi.ConductorAPI()


def is_alone() -> bool:
    """Whether `prepare` was called."""
    from nova.objects import base

    return base.NovaObject.indirection_api is not None
