"""RabbitMQ's nodes on several control hosts: their names and addresses, and TLS between them. Pure.

Erlang finds the nodes' addresses in a file of its own, so that they do not depend on the hosts' /etc/hosts.
"""

from __future__ import annotations

import ipaddress

from onestack.platform.view import View


def node_name(host: str) -> str:
    """The name of a host's node."""
    return f"rabbit@{host}"


def members(view: View) -> dict[str, object]:
    """The part of rabbitmq.conf by which the nodes form a cluster: the first of them begins it."""
    nodes = {
        f"cluster_formation.classic_config.nodes.{number}": node_name(each.name)
        for number, each in enumerate(view.controls, 1)
    }
    return {
        "cluster_formation.peer_discovery_backend": "classic_config",
        **nodes,
        "cluster_formation.target_cluster_size_hint": len(nodes),
        "cluster_formation.discovery_retry_limit": 120,
        "cluster_formation.discovery_retry_interval": 500,
        # A queue keeps the copies that it was made with: a host that joins later gets one of each this way.
        "quorum_queue.continuous_membership_reconciliation.enabled": "true",
        "quorum_queue.continuous_membership_reconciliation.target_group_size": len(nodes),
    }


def term(address: str) -> str:
    """An IP address as Erlang's term."""
    found = ipaddress.ip_address(address)
    if found.version == 4:
        return f"{{{address.replace('.', ',')}}}"
    return "{" + ",".join(str(int(part, 16)) for part in found.exploded.split(":")) + "}"


def addresses(view: View) -> str:
    """The file in which Erlang looks up the nodes' addresses, before it asks the host's own resolver."""
    hosts = [f'{{host, {term(each.address)}, ["{each.name}"]}}.\n' for each in view.controls]
    return "".join([*hosts, "{lookup, [file, native]}.\n"])


def tls(folder: str) -> str:
    """Erlang's options for TLS between nodes, verified on both sides. `folder`: that of the host's certificate."""
    files = (
        f'{{cacertfile,"{folder}/ca.pem"}},{{certfile,"{folder}/host.pem"}},{{keyfile,"{folder}/host.key"}}'
    )
    return (
        f"[{{server,[{files},{{verify,verify_peer}},{{fail_if_no_peer_cert,true}}]}},\n"
        f" {{client,[{files},{{verify,verify_peer}}]}}].\n"
    )
