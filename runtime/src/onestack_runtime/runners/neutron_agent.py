"""The OVN agent as threads of Neutron's process: it proxies guests' metadata requests.

It is upstream's neutron-ovn-agent with its metadata extension, whose module-level state (options, the proxy's socket)
does not conflict with the API's.
"""

from __future__ import annotations

import sys
from typing import Any

from onestack_runtime.paths import configuration


def configure() -> None:
    """Do what upstream's command does: configuration and logging, for a process without the API. It needs no
    database."""
    from neutron.common import config
    from neutron.conf import common
    from neutron.conf.agent.ovn.ovn_neutron_agent import config as options
    from oslo_config import cfg
    from oslo_log import log

    log.register_options(cfg.CONF)
    common.register_cli_script_opts()
    common.register_core_common_config_opts()
    options.register_opts()
    config.init([], default_config_files=[*map(str, configuration("neutron"))], prog=sys.argv[0])
    config.setup_logging()


class Agent:
    """The agent of this host's chassis."""

    def __init__(self) -> None:
        self._agent: Any = None

    def start(self) -> None:
        """Start it; waits for OVS and OVN."""
        import neutron.privileged
        from neutron.agent.ovn.agent.ovn_neutron_agent import OVNNeutronAgent
        from neutron.conf.agent import common as agent_options
        from neutron.conf.agent.ovn.ovn_neutron_agent import config as options
        from oslo_config import cfg

        from onestack_runtime.serving import privilege

        privilege.in_process(neutron.privileged)
        agent_options.register_root_helper(cfg.CONF)
        options.register_opts()
        self._agent = OVNNeutronAgent(cfg.CONF)
        self._agent.start()

    def stop(self) -> None:
        """Nothing to undo: guests keep their metadata proxies."""
