"""Common parts of the services' declarations: oslo.config files as data, common sections, the runner's process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onestack.core import contract
from onestack.core.contract import LIB
from onestack.platform.infrastructure import database_gateway, gateway, virtual_address
from onestack.platform.places import CA, HOST_CERTIFICATE, HOST_KEY, login, user_secret
from onestack.platform.shape import Need, Process, Ready, Scope, leader, local
from onestack.platform.view import View
from onestack.spec.model import HostRole

Value = str | int | float | bool | Iterable[str] | None
Section = Mapping[str, Value]

DATABASES = "databases"
"""The step that migrates all databases."""

READY_SECONDS = 240.0
"""How long a project's process may take to become ready. Ten seconds are usual; a busy machine needs many times that.
A process that ends in the meantime is noticed at once."""

_PYTHON = ("python3", "-P", "-m")


def ini(sections: Mapping[str, Section]) -> str:
    """An oslo.config file. Options that are None are omitted; `$`, which would begin a reference, is escaped.

    Raises ValueError for a value of several lines.
    """
    lines: list[str] = []
    for section, options in sections.items():
        lines.append(f"[{section}]")
        for name, value in options.items():
            if value is None:
                continue
            text = _text(value)
            if "\n" in text:
                raise ValueError(f"[{section}] {name} has several lines")
            lines.append(f"{name} = {text}".rstrip())
        lines.append("")
    return "\n".join(lines)


def files(project: str, *texts: str) -> dict[str, str]:
    """A project's configuration files with their texts, in the order of `contract.CONFIGURATION`."""
    return dict(zip(contract.CONFIGURATION[project], texts, strict=True))


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(value)
    return str(value).replace("$", "$$")


def credentials(view: View, user: str) -> dict[str, Value]:
    """A service user's credentials, for every section that configures a client."""
    return {
        "auth_type": "password",
        "auth_url": f"{view.cloud.gateway}/identity",
        "username": login(view.cloud.secrets, user),
        "password": view.cloud.secrets[user_secret(user)],
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
        "region_name": view.cloud.region,
        "cafile": view.cloud.ca_file,
    }


def client(view: View, user: str, path: str) -> dict[str, Value]:
    """A client of the API below `path`. The endpoint is set here, so that the catalogue is not queried for it."""
    return {
        **credentials(view, user),
        "endpoint_override": f"{view.cloud.gateway}/{path}",
        "valid_interfaces": "internal",
    }


def authtoken(view: View, user: str) -> dict[str, Value]:
    """[keystone_authtoken]: how a service validates tokens."""
    return {
        **credentials(view, user),
        "www_authenticate_uri": f"{view.cloud.gateway}/identity",
        "interface": "internal",
        "cache": contract.TOKEN_CACHE,
        "service_token_roles": "service",
        "service_token_roles_required": True,
    }


def database(view: View, name: str, user: str) -> dict[str, Value]:
    """[database]: the pool keeps as many connections as there are concurrent requests; further connections are closed
    after use."""
    return {
        "connection": view.database_url(name, user),
        "max_pool_size": 12,
        "max_overflow": 40,
        "max_retries": -1,
        # Seconds between attempts at the first connection, for which all threads wait; upstream's default is 10.
        "retry_interval": 1 if view.replicated else None,
    }


QUIET = (
    *("amqp=WARN", "sqlalchemy=WARN", "oslo.messaging=INFO", "oslo_messaging=INFO", "iso8601=WARN"),
    *(
        "requests.packages.urllib3.connectionpool=WARN",
        "urllib3.connectionpool=WARN",
        "urllib3.util.retry=WARN",
    ),
    *("keystonemiddleware=WARN", "routes.middleware=WARN", "stevedore=CRITICAL", "taskflow=WARN"),
    *("keystoneauth=WARN", "oslo.cache=INFO", "oslo_policy=INFO", "dogpile.core.dogpile=INFO"),
    # It logs a deprecation warning at every call.
    "neutronclient=ERROR",
)
"""oslo.log's defaults, without messages that are of no use to an operator."""


def logging() -> dict[str, Value]:
    """For [DEFAULT]: log to standard error only, which supervisord writes to a file."""
    return {"use_stderr": True, "debug": False, "default_log_levels": QUIET}


def proxied() -> dict[str, Section]:
    """[oslo_middleware]: the API gateway passes the requested scheme and host in headers.

    Services build their links from these, so that they work for a client that used another name, an address or a
    tunnel. So no service has `public_endpoint` or the like configured; Cinder would even append its path to it twice.
    """
    return {"oslo_middleware": {"enable_proxy_headers_parsing": True}}


def ovn_certificates(north: str | None, south: str | None) -> Section:
    """For [ovn]: this host's certificate, for those of the two databases that are reached with TLS."""
    found: dict[str, Value] = {}
    for name, connection in (("nb", north), ("sb", south)):
        if (connection or "").startswith("ssl:"):
            found[f"ovn_{name}_ca_cert"] = CA
            found[f"ovn_{name}_certificate"] = HOST_CERTIFICATE
            found[f"ovn_{name}_private_key"] = HOST_KEY
    return found


def lock_path(project: str) -> dict[str, Section]:
    """[oslo_concurrency]."""
    return {"oslo_concurrency": {"lock_path": f"{LIB}/{project}/lock"}}


def environment(**more: str) -> dict[str, str]:
    """The environment of every process that runs OpenStack's Python."""
    return {
        "PYTHONPATH": f"{contract.ENVIRONMENT}:{contract.RUNTIME}",
        "PYTHONUNBUFFERED": "1",
        contract.ETC_VARIABLE: contract.ETC,
        # Each malloc arena keeps the memory that its threads freed, and a runner has dozens of threads.
        "MALLOC_ARENA_MAX": "2",
        # Neutron and Cinder import eventlet, and use native threads: they need none of its resolver's 200 modules.
        "EVENTLET_NO_GREENDNS": "yes",
        "LC_ALL": "C.UTF-8",
        **more,
    }


def runner(
    view: View,
    project: str,
    path: str,
    *,
    workers: Mapping[HostRole, tuple[str, ...]] | None = None,
    needs: tuple[Need, ...] = (),
    stop_seconds: int = 15,
    reads: tuple[str, ...] = (),
    ready_seconds: float = READY_SECONDS,
    scope: Scope = "each",
    more: Mapping[str, str] | None = None,
) -> Process:
    """A project's process on a host; it is ready when its health path reports that API and workers are up.

    `workers`: the workers that hosts of each role run; by default control hosts run all. A host runs those of all its
    roles. `scope`: whether each control host has it, or the leader alone.
    """
    by_role = workers or {"control": ()}
    every = [name for names in by_role.values() for name in names]
    here = [name for role, names in by_role.items() if role in view.here.roles for name in names]
    chosen = {contract.WORKERS: ",".join(dict.fromkeys(here))} if {*here} != {*every} else {}
    if view.peers:
        chosen[contract.LAYOUT] = contract.CLUSTER
    return Process(
        project,
        (*_PYTHON, f"{contract.RUNNERS}.{project}"),
        Ready(
            http=(view.backing.api_socket(project), f"/{path}{contract.HEALTH_PATH}"), seconds=ready_seconds
        ),
        needs=(*leader(DATABASES, gateway.NAME), *_copies(view), *needs),
        roles=frozenset(by_role),
        scope=scope,
        environment=environment(**{contract.TUNING: view.cloud.tuning, **chosen, **(more or {})}),
        reads=reads,
        stop_seconds=stop_seconds,
    )


def _copies(view: View) -> tuple[Need, ...]:
    """With several control hosts: the virtual address, by which all reach APIs, and on a control host its own way to
    the databases."""
    if not view.replicated:
        return ()
    own = local(database_gateway.NAME, gateway.NAME) if view.control else ()
    return (*leader(virtual_address.NAME), *own)


def module(name: str) -> tuple[str, ...]:
    """The command that runs a module of the runtime."""
    return (*_PYTHON, name)


def migration(project: str) -> tuple[tuple[str, ...], ...]:
    """The command that migrates a project's databases to this release."""
    return ((*module(contract.MIGRATE), project),)


def tool(*words: str) -> tuple[str, ...]:
    """The command that runs an installed console script: tool("nova-manage", "cell_v2", "list_cells")."""
    return (*module(contract.MANAGE), *words)
