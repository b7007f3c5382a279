"""Neutron's own models in SQLite, and functions that add networks, subnets and ports."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import neutron.db.migration.models.head  # noqa: F401 - all of Neutron's models
import pytest
from neutron.common import config
from neutron.db import allowedaddresspairs_db, db_base_plugin_v2, models_v2
from neutron_lib import constants, context
from neutron_lib.db import api as database
from neutron_lib.db import model_base
from neutron_lib.plugins import directory
from oslo_config import cfg
from oslo_db import options
from sqlalchemy import event

PROJECT = "p" * 32


def uuid_of(name: str) -> str:
    """The UUID of the resource that a test calls `name`; the same at each call."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


class Plugin(db_base_plugin_v2.NeutronDbPluginV2, allowedaddresspairs_db.AllowedAddressPairsMixin):
    """Neutron's core plugin, reduced to the reading of the database."""

    supported_extension_aliases = ["allowed-address-pairs"]  # noqa: RUF012


@pytest.fixture(scope="session")
def engine() -> Any:
    config.register_common_config_options()
    options.set_defaults(cfg.CONF, connection="sqlite://")
    cfg.CONF([], project="neutron")
    sqlite = database.get_context_manager().writer.get_engine()
    model_base.BASEV2.metadata.create_all(sqlite)
    return sqlite


@pytest.fixture
def request_context(engine: Any) -> Iterator[Any]:
    """The context of an administrator's request, in a transaction that is rolled back after the test."""
    admin = context.Context("user", PROJECT, is_admin=True)
    with database.CONTEXT_WRITER.using(admin):
        yield admin
        admin.session.rollback()


@pytest.fixture
def statements(engine: Any) -> Iterator[list[str]]:
    """The SQL statements that the database received, in order."""
    received: list[str] = []

    def record(connection: Any, cursor: Any, statement: str, *args: Any) -> None:
        received.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    yield received
    event.remove(engine, "before_cursor_execute", record)


@pytest.fixture
def plugin(engine: Any) -> Iterator[Any]:
    core_plugin = Plugin()
    directory.add_plugin(constants.CORE if hasattr(constants, "CORE") else "CORE", core_plugin)
    yield core_plugin
    directory._INSTANCE = None


def network(request_context: Any, name: str = "net") -> Any:
    new = models_v2.Network(id=uuid_of(name), project_id=PROJECT, name=name, admin_state_up=True)
    request_context.session.add(new)
    return new


def subnet(request_context: Any, name: str, network_name: str = "net", **fields: Any) -> Any:
    new = models_v2.Subnet(
        id=uuid_of(name),
        project_id=PROJECT,
        network_id=uuid_of(network_name),
        ip_version=4,
        cidr=f"10.{len(name)}.0.0/24",
        gateway_ip="10.0.0.1",
        **fields,
    )
    request_context.session.add(new)
    return new


def port(request_context: Any, name: str, *subnets: str, network_name: str = "net", **fields: Any) -> Any:
    defaults = {
        "mac_address": f"fa:16:3e:00:00:{sum(name.encode()) % 256:02x}",
        "admin_state_up": True,
        "status": "DOWN",
        "device_id": "",
        "device_owner": "",
    }
    new = models_v2.Port(
        id=uuid_of(name),
        project_id=PROJECT,
        network_id=uuid_of(network_name),
        name=name,
        **{**defaults, **fields},
    )
    request_context.session.add(new)
    request_context.session.flush()
    for number, each in enumerate(subnets):
        address = f"10.{len(each)}.0.{10 + len(name) + number}"
        request_context.session.add(
            models_v2.IPAllocation(
                port_id=uuid_of(name),
                ip_address=address,
                subnet_id=uuid_of(each),
                network_id=uuid_of(network_name),
            )
        )
    request_context.session.flush()
    request_context.session.expire_all()
    return new
