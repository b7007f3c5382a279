"""The provider driver that Octavia's API calls. It refuses options that HAProxy lacks; otherwise it wakes the worker.

The API calls it within the transaction that makes the change PENDING_*; the worker reads the change from the
database after the commit.
"""

from __future__ import annotations

from typing import Any, NoReturn

from octavia.db import api as database
from octavia.db import repositories
from octavia_lib.api.drivers import exceptions, provider_base

from onestack_runtime.drivers.balancer import refusals
from onestack_runtime.drivers.balancer.wake import WAKE


class HAProxyDriver(provider_base.ProviderDriver):  # type: ignore[misc]
    """octavia-lib's interface, one method for each call of the API."""

    def create_vip_port(self, loadbalancer_id: Any, project_id: Any, vip_dictionary: Any,
                        additional_vip_dicts: Any = None) -> NoReturn:  # fmt: skip
        """Octavia creates the port itself when a driver does not implement this."""
        raise exceptions.NotImplementedError()

    def loadbalancer_create(self, loadbalancer: Any) -> None:
        _refuse_or_wake()

    def loadbalancer_delete(self, loadbalancer: Any, cascade: bool = False) -> None:
        _refuse_or_wake()

    def loadbalancer_failover(self, loadbalancer_id: Any) -> None:
        WAKE.request_retry(loadbalancer_id)
        _refuse_or_wake()

    def loadbalancer_update(self, old_loadbalancer: Any, new_loadbalancer: Any) -> None:
        _refuse_or_wake()

    def listener_create(self, listener: Any) -> None:
        _refuse_or_wake(refusals.listener(listener))

    def listener_delete(self, listener: Any) -> None:
        _refuse_or_wake()

    def listener_update(self, old_listener: Any, new_listener: Any) -> None:
        _refuse_or_wake(refusals.listener(new_listener))

    def pool_create(self, pool: Any) -> None:
        _refuse_or_wake(refusals.pool(pool))

    def pool_delete(self, pool: Any) -> None:
        _refuse_or_wake()

    def pool_update(self, old_pool: Any, new_pool: Any) -> None:
        _refuse_or_wake(refusals.pool(new_pool))

    def member_create(self, member: Any) -> None:
        _refuse_or_wake(refusals.member(member))

    def member_delete(self, member: Any) -> None:
        _refuse_or_wake()

    def member_update(self, old_member: Any, new_member: Any) -> None:
        _refuse_or_wake(refusals.member(new_member))

    def member_batch_update(self, pool_id: Any, members: Any) -> None:
        _refuse_or_wake(next(filter(None, map(refusals.member, members)), None))

    def health_monitor_create(self, healthmonitor: Any) -> None:
        _refuse_or_wake(refusals.monitor(healthmonitor))

    def health_monitor_delete(self, healthmonitor: Any) -> None:
        _refuse_or_wake()

    def health_monitor_update(self, old_healthmonitor: Any, new_healthmonitor: Any) -> None:
        _refuse_or_wake(refusals.monitor(new_healthmonitor))

    def l7policy_create(self, l7policy: Any) -> None:
        session = database.get_session()
        with session.begin():
            listener = repositories.ListenerRepository().get(session, id=l7policy.listener_id)
        _refuse_or_wake(refusals.policy(listener.protocol if listener else None))

    def l7policy_delete(self, l7policy: Any) -> None:
        _refuse_or_wake()

    def l7policy_update(self, old_l7policy: Any, new_l7policy: Any) -> None:
        _refuse_or_wake()

    def l7rule_create(self, l7rule: Any) -> None:
        _refuse_or_wake(refusals.rule(l7rule))

    def l7rule_delete(self, l7rule: Any) -> None:
        _refuse_or_wake()

    def l7rule_update(self, old_l7rule: Any, new_l7rule: Any) -> None:
        _refuse_or_wake(refusals.rule(new_l7rule))

    def get_supported_flavor_metadata(self) -> dict[str, str]:
        return dict(refusals.FLAVOR)

    def validate_flavor(self, flavor_metadata: dict[str, Any]) -> None:
        _refuse_or_wake(refusals.flavor(flavor_metadata))

    def get_supported_availability_zone_metadata(self) -> dict[str, str]:
        return dict(refusals.ZONE)

    def validate_availability_zone(self, availability_zone_metadata: dict[str, Any]) -> None:
        _refuse_or_wake(refusals.zone(availability_zone_metadata))


def _refuse_or_wake(reason: str | None = None) -> None:
    """Wake the worker; or raise UnsupportedOptionError, if there is a `reason` to refuse."""
    if reason:
        raise exceptions.UnsupportedOptionError(user_fault_string=reason, operator_fault_string=reason)
    WAKE.up()
