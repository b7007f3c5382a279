"""Keystone."""

from __future__ import annotations

from collections.abc import Iterable

from onestack.core import contract
from onestack.core.contract import LIB
from onestack.platform import host_users
from onestack.platform.places import KEYS_SECRET, login, user_secret
from onestack.platform.services import _common as common
from onestack.platform.shape import Database, Endpoint, Folder, Process, Service, leader
from onestack.platform.view import View

PATH = contract.API_PATHS["keystone"]
STATE = f"{LIB}/keystone"
BOOTSTRAP = "bootstrap"
"""The step that bootstraps Keystone: administrator, service users, catalogue."""

BCRYPT_BYTES = 72
"""The maximum length of a password for bcrypt."""


def _files(view: View) -> dict[str, str]:
    text = common.ini(
        {
            "DEFAULT": {**common.logging(), "transport_url": view.backing.process_transport_url},
            "database": common.database(view, "keystone", "keystone"),
            "token": {"provider": "fernet", "expiration": 3600},
            "fernet_tokens": {"key_repository": contract.TOKEN_KEYS, "max_active_keys": contract.ACTIVE_KEYS},
            "fernet_receipts": {
                "key_repository": contract.RECEIPT_KEYS,
                "max_active_keys": contract.ACTIVE_KEYS,
            },
            "credential": {"key_repository": contract.CREDENTIAL_KEYS},
            # A cache in memory is never stale where there is only one process. What another control host's process
            # has changed is seen after some seconds; what is revoked, at once.
            "cache": {
                "enabled": True,
                "backend": view.backing.cache,
                "expiration_time": 5 if view.replicated else 600,
            },
            "revoke": {"caching": False} if view.replicated else {},
            "identity": {
                "password_hash_algorithm": "bcrypt",
                "password_hash_rounds": 12,
                # Without it, Keystone logs a warning at each login.
                "max_password_length": BCRYPT_BYTES,
            },
            "security_compliance": view.cloud.logins,
            # Logins that fail are known to Keystone alone; `serving.audit` hears of them by its log.
            "oslo_messaging_notifications": {"driver": "log"},
            **common.proxied(),
        }
    )
    found = common.files("keystone", text)
    if view.replicated:
        found[contract.KEYS_SECRET] = view.cloud.secrets[KEYS_SECRET]
    return found


def _processes(view: View) -> tuple[Process, ...]:
    return (common.runner(view, "keystone", PATH, needs=leader(BOOTSTRAP)),)


def bootstrap() -> tuple[str, ...]:
    """The command that bootstraps Keystone; it reads `wanted` from its standard input."""
    return common.module(contract.BOOTSTRAP)


def wanted(view: View, services: Iterable[Service]) -> contract.Bootstrap:
    """The input of the bootstrap: administrator, region, service users and catalogue, with passwords."""
    found = list(services)
    users: dict[str, contract.ServiceUser] = {
        login(view.cloud.secrets, each.user): {
            "password": view.cloud.secrets[user_secret(each.user)],
            "roles": [*host_users.CONTROL_ROLES],
        }
        for each in found
        if each.user
    }
    return {
        "url": f"{view.cloud.gateway}/{PATH}/v3",
        "region": view.cloud.region,
        "password": view.cloud.secrets[user_secret("admin")],
        "users": {**users, **host_users.wanted(view)},
        "services": [
            {
                "type": type_,
                "name": name,
                "url": f"{view.cloud.gateway}/{each.endpoint.path}{each.endpoint.suffix}",
            }
            for each in found
            if each.endpoint and each.endpoint.listed
            for type_, name in each.listed_as
        ],
    }


SERVICE = Service(
    type="identity",
    name="keystone",
    databases=(Database("keystone", "keystone"),),
    migrations=lambda view: common.migration("keystone"),
    files=_files,
    processes=_processes,
    folders=(Folder(STATE, mode=0o700),),
    endpoint=Endpoint(PATH, "/v3"),
)
