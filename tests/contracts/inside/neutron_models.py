"""Neutron's own models in SQLite, and what a test puts there."""

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


def ident(name: str) -> str:
    """The UUID of what a test calls so."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


class Plugin(db_base_plugin_v2.NeutronDbPluginV2, allowedaddresspairs_db.AllowedAddressPairsMixin):
    """Neutron's own plugin, as far as it reads the database."""

    supported_extension_aliases = ["allowed-address-pairs"]  # noqa: RUF012


@pytest.fixture(scope="session")
def engine() -> Any:
    config.register_common_config_options()
    options.set_defaults(cfg.CONF, connection="sqlite://")
    cfg.CONF([], project="neutron")
    made = database.get_context_manager().writer.get_engine()
    model_base.BASEV2.metadata.create_all(made)
    return made


@pytest.fixture
def about(engine: Any) -> Iterator[Any]:
    """A request, in a transaction that is undone."""
    made = context.Context("user", PROJECT, is_admin=True)
    with database.CONTEXT_WRITER.using(made):
        yield made
        made.session.rollback()


@pytest.fixture
def asked(engine: Any) -> Iterator[list[str]]:
    """What was asked of the database."""
    seen: list[str] = []

    def hear(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    yield seen
    event.remove(engine, "before_cursor_execute", hear)


@pytest.fixture
def plugin(engine: Any) -> Iterator[Any]:
    made = Plugin()
    directory.add_plugin(constants.CORE if hasattr(constants, "CORE") else "CORE", made)
    yield made
    directory._INSTANCE = None


def network(about: Any, name: str = "net") -> Any:
    made = models_v2.Network(id=ident(name), project_id=PROJECT, name=name, admin_state_up=True)
    about.session.add(made)
    return made


def subnet(about: Any, name: str, on: str = "net", **more: Any) -> Any:
    made = models_v2.Subnet(
        id=ident(name),
        project_id=PROJECT,
        network_id=ident(on),
        ip_version=4,
        cidr=f"10.{len(name)}.0.0/24",
        gateway_ip="10.0.0.1",
        **more,
    )
    about.session.add(made)
    return made


def port(about: Any, name: str, *subnets: str, on: str = "net", **more: Any) -> Any:
    said = {
        "mac_address": f"fa:16:3e:00:00:{sum(name.encode()) % 256:02x}",
        "admin_state_up": True,
        "status": "DOWN",
        "device_id": "",
        "device_owner": "",
    }
    made = models_v2.Port(
        id=ident(name), project_id=PROJECT, network_id=ident(on), name=name, **{**said, **more}
    )
    about.session.add(made)
    about.session.flush()
    for number, each in enumerate(subnets):
        address = f"10.{len(each)}.0.{10 + len(name) + number}"
        about.session.add(
            models_v2.IPAllocation(
                port_id=ident(name), ip_address=address, subnet_id=ident(each), network_id=ident(on)
            )
        )
    about.session.flush()
    about.session.expire_all()
    return made
