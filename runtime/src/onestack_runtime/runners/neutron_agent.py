"""The OVN agent as threads of Neutron's process: it gives guests the metadata service.

Upstream's neutron-ovn-agent with its metadata extension; the module-level state it has (options, the proxy's
socket) does not meet the API's.
"""

from __future__ import annotations

from typing import Any


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
        """Nothing is to be undone: guests keep their metadata proxies."""
