"""nova-compute as the only one of Nova's workers in a process, on a host that has no database.

As upstream's command (`nova.cmd.compute`): what it reads and writes goes to a conductor, over the message bus, and it
waits for one before it starts. To map a new host to a cell takes the database too: the scheduler's periodic discovery
does that (`[scheduler] discover_hosts_in_cells_interval`).
"""

from __future__ import annotations

import sys

from onestack_runtime.paths import configuration


def configure() -> None:
    """What the APIs' start does for the whole process, in one that has none of them."""
    from nova import config, objects
    from nova.conf import CONF
    from oslo_log import log
    from oslo_service import opts

    config.parse_args([sys.argv[0]], default_config_files=[*map(str, configuration("nova"))])
    log.setup(CONF, "nova")
    opts.register_service_opts(CONF)
    objects.register_all()


def prepare() -> None:
    """The same, without a database: from now on nothing here opens one."""
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
