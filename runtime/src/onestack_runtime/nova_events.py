"""Which changes of ports Neutron tells Nova about: those that Nova did not make itself.

Neutron sends `network-changed` after every update of a guest's port, also to Nova as the answer to Nova's own
update. Nova then reads ports, networks, subnets, floating IPs and security groups again, which it has just
read or is about to. Changes by anyone else, of floating IPs, and a
port's deletion are told as before; so is what makes a server ACTIVE (`network-vif-plugged`).
"""

from __future__ import annotations

from typing import Any

NOVA_UPDATES = "update_port"


def without_echo(notifier: Any, user: str) -> None:
    """`user`: the name with which Nova speaks to Neutron ([neutron] in nova.conf).

    By neutron-lib's callbacks: the notifier's own for changed ports goes, one that asks first takes its place.
    """
    from neutron_lib.callbacks import events, registry, resources

    told = notifier._send_nova_notification

    def send(resource: str, event: str, trigger: Any, payload: Any) -> None:
        if not is_echo(payload.action, payload.context.user_name, user):
            told(resource, event, trigger, payload=payload)

    registry.unsubscribe(told, resources.PORT, events.BEFORE_RESPONSE)
    registry.subscribe(send, resources.PORT, events.BEFORE_RESPONSE)


def is_echo(action: str, who: str | None, nova: str) -> bool:
    """Whether Nova would be told what it did itself."""
    return action == NOVA_UPDATES and who == nova
