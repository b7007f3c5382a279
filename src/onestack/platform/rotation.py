"""Replaces secrets of a cloud that serves.

The former value stays valid beside the new one until every process uses the new one: MariaDB's users have both
passwords meanwhile, and a service has two users in Keystone in turn, since there a user has one password only. So it
may be cut off anywhere: what runs goes on, and the next `rotate` finishes it.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from onestack.core import contract
from onestack.core.errors import BadInput
from onestack.core.events import Emit, step
from onestack.platform import (
    catalogue,
    connect,
    folders,
    graph,
    host_users,
    layout,
    prepare,
    readiness,
    secrets,
    site,
    watchers,
)
from onestack.platform.infrastructure import mariadb
from onestack.platform.markers import Markers
from onestack.platform.places import bus_secret, database_secret, login, login_secret, user_secret
from onestack.platform.services import _common as common
from onestack.platform.services import dashboard, network
from onestack.platform.site import Site

ADMIN, FERNET = "admin", "fernet"
_OTHER_LOGIN = "-b"


@dataclass(frozen=True)
class Kind:
    """Secrets that are replaced together. `by_itself`: also where no kind is named."""

    name: str
    what: str
    by_itself: bool = True


KINDS = (
    Kind("database", "the passwords of the services' users in MariaDB"),
    Kind("users", "the passwords of the services' users in Keystone"),
    Kind("metadata", "by which Neutron signs the metadata requests of guests"),
    Kind("bus", "the passwords of the hosts' users in RabbitMQ, with several hosts"),
    Kind(FERNET, "Keystone's keys for tokens; tokens stay valid"),
    Kind(ADMIN, "the administrator's password; his tokens end", by_itself=False),
    Kind("dashboard", "by which the dashboard signs cookies; its users must log in again", by_itself=False),
)


def names(site: Site, kind: str) -> list[str]:
    """The names of a kind's secrets in this cloud. Fernet keys are files of Keystone's, and have none."""
    services = site.spec.platform.services
    found = catalogue.services(services)
    users = [each.user for each in found if each.user]
    users += [host_users.name(host) for host in host_users.hosts(site.hosts, services)]
    return {
        "database": sorted({database_secret(each.user) for each in catalogue.databases(services)}),
        "users": [user_secret(each) for each in users],
        "metadata": [network.METADATA_SECRET] if "network" in services else [],
        "bus": [bus_secret(host.name) for host in site.hosts] if site.peers else [],
        FERNET: [],
        ADMIN: [user_secret("admin")],
        "dashboard": [dashboard.SECRET] if "dashboard" in services else [],
    }[kind]


def new_values(site: Site, kinds: Collection[str], password: str | None = None) -> dict[str, str]:
    """New values for all secrets of these kinds, and other names for users that get another password. `password`: the
    administrator's, else a random one."""
    known = site.view.cloud.secrets
    found = {name: random.token_hex(secrets.LENGTH) for kind in kinds for name in names(site, kind)}
    for name in names(site, "users") if "users" in kinds else ():
        user = name.removeprefix(user_secret(""))
        other = login(known, user) == user
        found[login_secret(user)] = user + (_OTHER_LOGIN if other else "")
    if ADMIN in kinds and password is not None:
        found[user_secret("admin")] = password
    return found


def require(site: Site, kinds: Sequence[str]) -> None:
    """Raise BadInput for what there is not, or cannot be replaced here or now."""
    known = [each.name for each in KINDS]
    if wrong := [each for each in kinds if each not in known]:
        raise BadInput(f"there are no secrets called '{wrong[0]}'", hint=f"one of {', '.join(known)}")
    if site.here.supervisor.pid is None:
        raise BadInput("the cloud does not run, and its users cannot be changed", hint="`onestack up` first")
    if FERNET in kinds and site.view.replicated:
        raise BadInput(
            "with several control hosts token keys are derived anew each day, and not replaced otherwise",
            hint="name the others: " + ", ".join(each.name for each in KINDS if each.name != FERNET),
        )


def take_up(found: Site, emit: Emit) -> None:
    """Have everything on this host use the secrets that are stored, one process after another."""
    node, view = found.leader, found.view
    with step("databases' and services' users", emit):
        sql = mariadb.grants(catalogue.databases(view.cloud.services), view)
        node.inside(mariadb.client(), text_in=sql, patient=True)
        markers = Markers(node)
        markers.load()
    graph.bootstrap_identity(found, markers, emit)
    folders.write(node, layout.files(view))
    connect.write_clouds_yaml(found, node.paths.etc / "clouds.yaml")
    prepare.configure(found)
    changed = node.supervisor.changed()
    for each in layout.processes(view):
        if each.name in changed:
            readiness.hold_requests(node, each)
            node.supervisor.exchange(each.name)
            readiness.start(node, each, emit)


def renew_watchers(found: Site) -> None:
    """Start the watchers anew, which know the administrator's password since their start."""
    running = found.here.supervisor.programs()
    for name in (watchers.KEEPER, watchers.AUTOSCALER):
        if (program := running.get(name)) and program.pid:
            found.here.supervisor.stop(name)
            found.here.supervisor.launch(name)


def former_logins(known: Mapping[str, str]) -> list[str]:
    """The users in Keystone whom no process uses once the replacement is taken up."""
    prefix = login_secret("")
    users = [name.removeprefix(prefix) for name in secrets.replaced(known) if name.startswith(prefix)]
    return [known[secrets.before(login_secret(user))] or user for user in users]


def finish(found: Site, emit: Emit) -> None:
    """Have the former values be valid no longer. All processes must use the new ones."""
    known = found.view.cloud.secrets
    with step("former secrets", emit) as at:
        admin = connect.connection(found)
        for name in former_logins(known):
            for user in admin.identity.users(name=name, domain_id="default"):
                admin.identity.delete_user(user.id)
        names_ = [each for each in secrets.replaced(known) if not each.startswith(login_secret(""))]
        secrets.forget_replaced(found.secrets_file)
        now = site.load(found.paths)
        sql = mariadb.grants(catalogue.databases(now.view.cloud.services), now.view)
        now.leader.inside(mariadb.client(), text_in=sql, patient=True)
        at.outcome = f"{len(names_)} are no longer valid"


def rotate_fernet(found: Site, emit: Emit) -> None:
    """Rotate Keystone's keys, unless tokens that may be in use would no longer be valid."""
    with step("token keys", emit) as at:
        said = found.leader.inside(
            common.module(contract.KEY_ROTATION), seconds=60, patient=True, log="key-rotation"
        )
        at.outcome = said.strip().splitlines()[-1]
