"""Fills an empty Keystone: administrator, roles, region, service users and the whole catalogue.

python3 -m onestack_runtime.admin.bootstrap < wanted.json          (a contract.Bootstrap)

It is one process and uses the code of `keystone-manage bootstrap`, which saves some fifty API requests at each first
start. Its input comes on standard input, so that passwords do not show in the process list. Idempotent; a changed
URL or administrator's password is updated.
"""

from __future__ import annotations

import json
import os
import re
import sys
import uuid
from typing import Any

from onestack_runtime import contract
from onestack_runtime.paths import ETC, configuration
from onestack_runtime.serving import threads

# Many hashing rounds protect passwords that people choose. These are 24 random bytes each, which cannot be guessed:
# more rounds would only delay each start of a service, and each command of the administrator, by a quarter of a
# second.
ROUNDS = 4
_GENERATED = re.compile("[0-9a-f]{48}")
"""Such a password; an administrator's may be one that a person chose."""
SERVICE_PROJECT = "service"
INTERFACES = ("public", "internal", "admin")


def main() -> int:
    os.environ.setdefault("OS_KEYSTONE_CONFIG_DIR", str(ETC / "keystone"))
    wanted: contract.Bootstrap = json.load(sys.stdin)
    threads.native()
    import keystone.server
    from keystone.cmd.bootstrap import Bootstrapper
    from keystone.conf import CONF

    from onestack_runtime.admin import key_rotation

    keystone.server.configure(config_files=list(map(str, configuration("keystone"))))
    if _GENERATED.fullmatch(wanted["password"]):
        CONF.set_override("password_hash_rounds", ROUNDS, group="identity")
    # The rules are for passwords that people choose.
    CONF.set_override("password_regex", None, group="security_compliance")
    CONF.set_override("unique_last_password_count", 0, group="security_compliance")
    key_rotation.ensure()
    bootstrapper = Bootstrapper()
    bootstrapper.admin_username = "admin"
    bootstrapper.admin_password = wanted["password"]
    bootstrapper.admin_role_name = "admin"
    bootstrapper.project_name = "admin"
    bootstrapper.service_name = "keystone"
    bootstrapper.public_url = bootstrapper.internal_url = bootstrapper.admin_url = wanted["url"]
    bootstrapper.region_id = wanted["region"]
    bootstrapper.immutable_roles = True
    bootstrapper.bootstrap()
    exempt("admin")
    CONF.set_override("password_hash_rounds", ROUNDS, group="identity")
    service_users(wanted["users"])
    exempt(*wanted["users"])
    catalogue(wanted["services"], wanted["region"])
    return 0


def service_users(users: dict[str, contract.ServiceUser]) -> None:
    """Create each service user, with its roles in the project `service`."""
    from keystone.common import provider_api

    providers = provider_api.ProviderAPIs
    project = _project(providers)
    roles = {role["name"]: role["id"] for role in providers.role_api.list_roles()}
    known = {user["name"]: user["id"] for user in providers.identity_api.list_users(domain_scope="default")}
    for name, wanted in users.items():
        user = known.get(name)
        if user is None:
            made = {"name": name, "password": wanted["password"], "domain_id": "default", "enabled": True}
            user = providers.identity_api.create_user({**made, "default_project_id": project})["id"]
        held = providers.assignment_api.get_roles_for_user_and_project(user, project)
        for role in wanted["roles"]:
            if roles[role] not in held:
                providers.assignment_api.add_role_to_user_and_project(user, project, roles[role])


def exempt(*names: str) -> None:
    """Have users of the cloud's own neither be locked by who guesses, nor expire: the cloud would stop with them."""
    from keystone.common import provider_api

    api = provider_api.ProviderAPIs.identity_api
    wanted = dict.fromkeys(
        ("ignore_lockout_failure_attempts", "ignore_password_expiry", "ignore_user_inactivity"), True
    )
    for name in names:
        user = api.get_user_by_name(name, "default")
        if not wanted.items() <= user.get("options", {}).items():
            api.update_user(user["id"], {"options": wanted})


def _project(providers: Any) -> str:
    for project in providers.resource_api.list_projects():
        if project["name"] == SERVICE_PROJECT and project["domain_id"] == "default":
            return str(project["id"])
    made = {
        "id": uuid.uuid4().hex,
        "name": SERVICE_PROJECT,
        "domain_id": "default",
        "description": "The services' own users",
        "enabled": True,
        "is_domain": False,
    }
    return str(providers.resource_api.create_project(made["id"], made)["id"])


def catalogue(services: list[contract.CatalogueEntry], region: str) -> None:
    """Create each service, with its endpoints in the region."""
    from keystone.common import provider_api

    api = provider_api.ProviderAPIs.catalog_api
    known = {service["type"]: service["id"] for service in api.list_services()}
    endpoints = {(each["service_id"], each["interface"]): each for each in api.list_endpoints()}
    for wanted in services:
        service = known.get(wanted["type"])
        if service is None:
            service = uuid.uuid4().hex
            entry = {"id": service, "type": wanted["type"], "name": wanted["name"], "enabled": True}
            api.create_service(service, entry)
        for interface in INTERFACES:
            existing = endpoints.get((service, interface))
            if existing is None:
                made = {
                    "id": uuid.uuid4().hex,
                    "service_id": service,
                    "interface": interface,
                    "region_id": region,
                    "url": wanted["url"],
                    "enabled": True,
                }
                api.create_endpoint(made["id"], made)
            elif existing["url"] != wanted["url"]:
                api.update_endpoint(existing["id"], {**existing, "url": wanted["url"]})


if __name__ == "__main__":
    sys.exit(main())
