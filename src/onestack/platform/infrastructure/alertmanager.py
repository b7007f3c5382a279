"""Alertmanager: sends the alerts of the cloud's Prometheus to the receivers that the spec names. Without any there is
none.

It runs beside Prometheus on the leader, as a user of its own in a tree beside the base, and listens on loopback.
Passwords are in files that only that user can read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from onestack.core.contract import LIB
from onestack.core.errors import PermanentError
from onestack.core.events import Emit
from onestack.host.machine import File
from onestack.platform import owned
from onestack.platform.shape import Folder, InfrastructureService, Process, Ready, Step, local
from onestack.platform.view import View
from onestack.spec.monitoring import Access, Receiver

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

NAME = "alertmanager"
TREE = "alerting"
PROGRAM = "prometheus-alertmanager"
HOME = f"{LIB}/alertmanager"
CONFIG, DATA, ACCESS = f"{HOME}/alertmanager.yml", f"{HOME}/data", f"{HOME}/access"
FILES = "alertmanager files"
NOBODY = "nobody"
"""The receiver of what no route takes."""
_TIMES = {"group_wait": "15s", "group_interval": "5m", "repeat_interval": "4h"}
"""Alerts that begin together are one message; a change of them is told after minutes; what lasts is told again."""


def needed(view: View) -> bool:
    """Whether the cloud has it."""
    return view.cloud.monitoring is not None and bool(view.cloud.monitoring.receivers)


def configuration(receivers: tuple[Receiver, ...]) -> dict[str, object]:
    """Its settings: a receiver for each of the spec's, and a route to each, whether others had the alert or not."""
    routes: list[dict[str, object]] = []
    listed: list[dict[str, object]] = [{"name": NOBODY}]
    for index, each in enumerate(receivers):
        name = f"receiver-{index + 1}"
        matchers = ['severity="critical"'] if each.severity == "critical" else []
        routes.append({"receiver": name, "continue": True, "matchers": matchers})
        listed.append({"name": name, **_sent(each, index)})
    route = {"receiver": NOBODY, "group_by": ["alertname"], **_TIMES, "routes": routes}
    return {"route": route, "receivers": listed}


def _sent(receiver: Receiver, index: int) -> dict[str, object]:
    if receiver.webhook is not None:
        how = http_access(receiver, f"{ACCESS}/{index}")
        return {"webhook_configs": [{"url": receiver.webhook, "send_resolved": True, "http_config": how}]}
    mail: dict[str, object] = {
        "to": receiver.email,
        "from": receiver.sender,
        "smarthost": receiver.relay,
        "send_resolved": True,
        "require_tls": receiver.encrypted,
    }
    if receiver.user is not None:
        mail |= {"auth_username": receiver.user, "auth_password_file": f"{ACCESS}/{index}.password"}
    if receiver.ca_file is not None:
        mail["tls_config"] = {"ca_file": f"{ACCESS}/{index}.ca"}
    return {"email_configs": [mail]}


def http_access(access: Access, place: str) -> dict[str, object]:
    """Prometheus' settings of a client of HTTP. `place`: of its files, without `.password` and `.ca`."""
    found: dict[str, object] = {}
    if access.user is not None:
        found["basic_auth"] = {"username": access.user, "password_file": f"{place}.password"}
    if access.ca_file is not None:
        found["tls_config"] = {"ca_file": f"{place}.ca"}
    return found


def access_files(access: Access, place: str) -> dict[str, File]:
    """The files that `http_access` names. Raises PermanentError for one of the spec's that cannot be read."""
    found = {}
    for end, source in (("password", access.password_file), ("ca", access.ca_file)):
        if source is None:
            continue
        try:
            text = Path(source).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise PermanentError(
                f"{source} cannot be read: {error}", hint="platform.monitoring in the spec names it"
            ) from error
        # A newline at the end of a password's file is the editor's.
        found[f"{place}.{end}"] = File((text.rstrip("\n") if end == "password" else text).encode(), 0o400)
    return found


def files(view: View) -> dict[str, str]:
    if view.cloud.monitoring is None or not needed(view):
        return {}
    return {CONFIG: json.dumps(configuration(view.cloud.monitoring.receivers), indent=1)}


def write_files(site: Site, node: Node, emit: Emit) -> None:
    """The receivers' passwords and CA certificates, for its user alone."""
    owned.folder(node, ACCESS, NAME, NAME, 0o700, TREE)
    for index, each in enumerate(site.spec.platform.monitoring.receivers):
        owned.write(node, access_files(each, f"{ACCESS}/{index}"), NAME, NAME, TREE)


def steps(view: View) -> tuple[Step, ...]:
    return (Step(FILES, write_files, scope="leader"),) if needed(view) else ()


def processes(view: View) -> tuple[Process, ...]:
    wanted = view.cloud.monitoring
    if wanted is None or not needed(view):
        return ()
    address = f"{view.backing.local}:{wanted.alerts_port}"
    drop = ("setpriv", f"--reuid={NAME}", f"--regid={NAME}", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--bounding-set=-all")  # fmt: skip
    return (
        Process(
            NAME,
            (
                *drop,
                PROGRAM,
                f"--config.file={CONFIG}",
                f"--storage.path={DATA}",
                f"--web.listen-address={address}",
                # Alone: there is no other Alertmanager to agree with.
                "--cluster.listen-address=",
            ),
            Ready(
                command=("busybox", "wget", "-q", "-T", "5", "-O", "/dev/null", f"http://{address}/-/ready"),
                seconds=60,
            ),
            needs=local(FILES),
            scope="leader",
            environment={"GOMAXPROCS": "1", "GOGC": "50"},
            tree=TREE,
        ),
    )


SERVICE = InfrastructureService(
    NAME,
    processes,
    files,
    steps,
    folders=(Folder(HOME, "root", NAME, 0o750, TREE), Folder(DATA, NAME, NAME, 0o700, TREE)),
)
