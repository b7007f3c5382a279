"""Keystone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onestack.platform.services import _common as common
from onestack.platform.shape import LIB, Database, Endpoint, Process, Service, View

PATH = "identity"
STATE = f"{LIB}/keystone"
BOOTSTRAP = "bootstrap"
"""The step that gives an empty Keystone its administrator and catalogue."""

BCRYPT_BYTES = 72
"""What bcrypt takes of a password."""


def _files(view: View) -> dict[str, str]:
    text = common.ini(
        {
            "DEFAULT": common.logging(),
            "database": common.database(view, "keystone", "keystone"),
            "token": {"provider": "fernet", "expiration": 3600},
            # One rotation a day (onestack_runtime.admin.key_rotation): staged, primary, and the one before.
            "fernet_tokens": {"key_repository": f"{STATE}/fernet-keys", "max_active_keys": 3},
            "fernet_receipts": {"key_repository": f"{STATE}/receipt-keys", "max_active_keys": 3},
            "credential": {"key_repository": f"{STATE}/credential-keys"},
            # What one process holds, no other can make stale.
            "cache": {"enabled": True, "backend": "oslo_cache.dict", "expiration_time": 600},
            "identity": {
                "password_hash_algorithm": "bcrypt",
                "password_hash_rounds": 12,
                # Said here, it is not said in the log at each login.
                "max_password_length": BCRYPT_BYTES,
            },
            **common.proxied(),
        }
    )
    return {"keystone/keystone.conf": text}


def _processes(view: View) -> tuple[Process, ...]:
    return (common.runner(view, "keystone", PATH, needs=(BOOTSTRAP,)),)


def bootstrap() -> tuple[str, ...]:
    """The command that gives an empty Keystone what `wanted` says; it reads that from its standard input."""
    return common.module("onestack_runtime.admin.bootstrap")


def wanted(view: View, services: Iterable[Service]) -> dict[str, Any]:
    """Administrator, region, service users and catalogue; with passwords."""
    found = list(services)
    return {
        "url": f"{view.front}/{PATH}/v3",
        "region": view.region,
        "password": view.secrets["user/admin"],
        "users": {each.user: view.secrets[f"user/{each.user}"] for each in found if each.user},
        "services": [
            {"type": type_, "name": name, "url": f"{view.front}/{each.endpoint.path}{each.endpoint.suffix}"}
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
    endpoint=Endpoint(PATH, common.socket("keystone"), "/v3"),
)
