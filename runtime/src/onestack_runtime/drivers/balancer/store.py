"""Reads balancers from Octavia's database, and reports to it through octavia-lib, as any provider does."""

from __future__ import annotations

import datetime
from functools import cached_property
from typing import Any

from octavia.db import api as database
from octavia.db import models, repositories
from octavia_lib.api.drivers import driver_lib, exceptions
from octavia_lib.common import constants
from oslo_config import cfg

from onestack_runtime import contract
from onestack_runtime.drivers.balancer import graph


def load(balancer: str) -> Any:
    """A balancer with all its objects; None if there is no such row."""
    session = database.get_session()
    with session.begin():
        return repositories.LoadBalancerRepository().get(session, id=balancer)


def pending() -> list[str]:
    """The ids of balancers with a pending change."""
    return _ids(models.LoadBalancer.provisioning_status.in_(graph.PENDING))


def living() -> list[str]:
    """The ids of balancers that are not deleted."""
    return _ids(models.LoadBalancer.provisioning_status != "DELETED")


def _ids(*conditions: Any) -> list[str]:
    session = database.get_session()
    with session.begin():
        query = session.query(models.LoadBalancer.id).filter(
            models.LoadBalancer.provider.in_(contract.BALANCER_NAMES), *conditions
        )
        return [row[0] for row in query.all()]


class Reports:
    """Reports through octavia-lib and the driver agent's sockets. `direct`: write to the database without them, for
    processes other than Octavia's, since the agent may not be running."""

    def __init__(self, *, direct: bool = False) -> None:
        self._direct = direct

    @cached_property
    def _library(self) -> Any:
        agent = cfg.CONF.driver_agent
        return driver_lib.DriverLibrary(
            agent.status_socket_path, agent.stats_socket_path, agent.get_socket_path
        )

    def status(self, update: dict[str, list[dict[str, Any]]]) -> None:
        """Report statuses. Raises octavia-lib's UpdateStatusError."""
        if self._direct:
            from octavia.api.drivers.driver_agent.driver_updater import DriverUpdater

            answer = DriverUpdater().update_loadbalancer_status(update)
            if answer[constants.STATUS_CODE] != constants.DRVR_STATUS_CODE_OK:
                raise exceptions.UpdateStatusError(fault_string=str(answer))
            return
        self._library.update_loadbalancer_status(update)

    def statistics(self, listeners: list[dict[str, object]]) -> None:
        """Report listeners' counters. Raises octavia-lib's UpdateStatisticsError."""
        self._library.update_listener_statistics({"listeners": listeners})


def purge() -> None:
    """Delete rows of balancers that were deleted longer ago than `[house_keeping] load_balancer_expiry_age`."""
    age = datetime.timedelta(seconds=cfg.CONF.house_keeping.load_balancer_expiry_age)
    repository = repositories.LoadBalancerRepository()
    session = database.get_session()
    with session.begin():
        for each in repository.get_all_deleted_expiring(session, exp_age=age):
            repository.delete(session, id=each)
