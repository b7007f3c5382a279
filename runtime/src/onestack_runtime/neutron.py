"""Neutron: API, periodic workers, OVN maintenance and the OVN agent (metadata) as threads of one process.

With OVN there are no RPC workers. The maintenance worker is initialized before the API: OVN's driver keeps
one pair of database connections, those of whoever was initialized last, and only the API's carry the events
that make a port ACTIVE.
"""

from __future__ import annotations

import logging
import os

# Before any model of Neutron's is there: how related rows are loaded is decided when models are first used.
from onestack_runtime import (
    database_connections,
    empty_tables,
    neutron_news,
    neutron_questions,
    neutron_ring,
    processors,
    signatures,
    versioned_objects,
)
from onestack_runtime.places import API, ETC, LIB, RUN, folder
from onestack_runtime.process import Process

LOG = logging.getLogger(__name__)
API_THREADS = 12
SELDOM_FILLED = (
    "floatingipdnses",
    "networkdnsdomains",
    "networkpvlan",
    "portdataplanestatuses",
    "portdeviceprofiles",
    "portdnses",
    "portnumaaffinitypolicies",
    "portpvlan",
    "portuplinkstatuspropagation",
    "qos_fip_policy_bindings",
    "qos_network_policy_bindings",
    "qos_port_policy_bindings",
    "qos_router_gw_policy_bindings",
    "subnet_bgp_leak_routes",
    "subnet_dns_publish_fixed_ips",
)
"""Tables that Neutron joins to its queries for ports, networks, subnets and routers, and few clouds fill."""


def _ask_less() -> None:
    """Have upstream's code ask the database only what it needs to know."""
    from neutron.common.ovn import constants, hash_ring_manager, utils
    from neutron.db import models_v2, ovn_revision_numbers_db, securitygroups_db
    from neutron.objects import securitygroup, subnet
    from neutron.plugins.ml2.drivers.ovn.mech_driver.ovsdb import ovn_client, ovsdb_monitor
    from neutron.services.qos import qos_plugin
    from neutron.services.segments import plugin
    from neutron_lib.db import api as database
    from oslo_utils import timeutils

    from onestack_runtime.fake_hosts import binding

    neutron_ring.touch_seldom(
        hash_ring_manager.HashRingManager, constants.HASH_RING_TOUCH_INTERVAL, timeutils.utcnow
    )
    neutron_news.leave_out_old(
        ovsdb_monitor.LogicalSwitchPortCreateEvent,
        neutron_news.known,
        binding.is_pretended,
        constants.OVN_HOST_ID_EXT_ID_KEY,
    )
    neutron_questions.of_revisions(ovn_revision_numbers_db)
    neutron_questions.of_default_groups(
        securitygroups_db.SecurityGroupDbMixin, securitygroup.DefaultSecurityGroup
    )
    neutron_questions.of_segments(plugin.NovaSegmentNotifier, subnet.Subnet)
    neutron_questions.of_shared_addresses(utils, empty_tables.EMPTY)
    neutron_questions.of_subnets(ovn_client.OVNClient, utils, models_v2.Subnet, database)
    neutron_questions.of_groups(securitygroups_db.SecurityGroupDbMixin, securitygroup.SecurityGroup)
    neutron_questions.of_policies(qos_plugin.QoSPlugin, empty_tables.EMPTY)


def _think_less() -> None:
    """Have upstream's code find out once what stays the same. Before any of Neutron's objects is imported."""
    from oslo_policy import _checks
    from oslo_versionedobjects import base
    from pecan import util

    signatures.of_rules(_checks)
    signatures.of_methods(util)
    versioned_objects.quicken(base)


def main() -> None:
    processors.stay(processors.NEUTRON)
    database_connections.install()
    os.environ.setdefault("OS_NEUTRON_CONFIG_DIR", str(ETC / "neutron"))
    os.environ.setdefault("OS_NEUTRON_CONFIG_FILES", "neutron.conf;ml2_conf.ini")
    # OVN's driver asks its server how many API processes there are; and it keeps the time of its start in a
    # file that must not outlive the process.
    os.environ["ASGI_WORKERS"] = "1"
    os.environ["TMPDIR"] = str(folder(RUN / "neutron", 0o700))
    for stale in (RUN / "neutron").glob("neutron_start_time*"):
        stale.unlink()
    folder(LIB / "neutron")
    empty_tables.unjoin(*SELDOM_FILLED)
    empty_tables.EMPTY.watch()
    _think_less()
    from neutron import policy, server
    from neutron.server import api
    from neutron_lib.db import api as database
    from neutron_lib.db import model_base
    from neutron_lib.policy import _engine as roles

    from onestack_runtime.neutron_agent import Agent
    from onestack_runtime.neutron_workers import Workers

    _ask_less()
    application = server.boot_server(api.api_server, prog="neutron-api")
    # The first request would make the rules, and a second one beside it see half of them (HTTP 403).
    policy.init()
    roles.init()
    for enforcer in (policy._ENFORCER, roles._ROLE_ENFORCER):
        # The rules are upstream's; at each check, of each field of an answer, it would look for files with others.
        enforcer.use_conf = False
    engine = database.get_context_manager().writer.get_engine()
    tables = model_base.BASEV2.metadata.tables.values()
    empty_tables.EMPTY.learn(engine, tables)
    process = Process("neutron")
    process.thread("empty tables", lambda: empty_tables.keep(engine, tables, process.wait))
    process.serve(application, str(API / "neutron.sock"), "networking", API_THREADS)
    workers = Workers()
    process.worker("neutron workers", workers.start, workers.stop, retry=False)
    agent = Agent()
    process.worker("ovn agent", agent.start, agent.stop, retry=False)
    process.run()


if __name__ == "__main__":
    main()
