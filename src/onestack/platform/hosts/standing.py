"""Asks the other control hosts, when a control host comes back, whether it still is a member.

One that was given up (`platform.hosts.recovery`) has older databases. Two of three that came back together would be a
majority of their own with them, so each asks before it starts anything. It is asked at the metadata API's port, which
is open to all hosts of the cloud, and needs a host's certificate.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Sequence
from functools import partial

from onestack.core.errors import PermanentError
from onestack.core.graph import Task, execute
from onestack.core.paths import Paths
from onestack.platform import site
from onestack.platform.hosts import known
from onestack.platform.infrastructure import gateway
from onestack.platform.site import Site
from onestack.platform.view import HostView

SECONDS = 5.0


def require_member(found: Site) -> None:
    """Raises PermanentError where another control host says that this one was given up. One that does not answer says
    nothing."""
    view = found.view
    if not (view.replicated and view.control):
        return
    said: dict[str, str] = {}

    def ask(other: HostView) -> None:
        said[other.name] = _ask(found, other.address)

    others = [each for each in view.hosts if "control" in each.roles and each is not view.here]
    failed = execute([Task(each.name, partial(ask, each)) for each in others], workers=max(1, len(others)))
    for error in failed.values():
        if not isinstance(error, (OSError, http.client.HTTPException)):
            raise error
    for name in newer(found.here.name, found.generation, list(said.items())):
        raise PermanentError(
            f"{found.here.name} was given up when the cloud was recovered: it stays out, for its databases are older",
            where=name,
            hint="run `onestack up` on the host that leads the cloud: it takes this host on as a new member;"
            " or `onestack destroy` here",
        )


def require_still_leads(paths: Paths) -> None:
    """The same on the leader: another control host may lead the cloud since this one was lost."""
    if known.load(paths) is not None:
        require_member(site.load(paths))


def answers(found: Site, name: str) -> bool:
    """Whether another control host answers, as one does that works."""
    (address,) = (each.address for each in found.hosts if each.name == name)
    try:
        return bool(_ask(found, address))
    except (OSError, http.client.HTTPException):
        return False


def newer(here: str, generation: int, said: Sequence[tuple[str, str]]) -> list[str]:
    """The hosts whose answers say that the cloud was recovered without this host. Pure."""
    found = []
    for name, text in said:
        number, *members = text.split() or [""]
        if number.isdigit() and int(number) > generation and here not in members:
            found.append(name)
    return found


def _ask(found: Site, address: str) -> str:
    folder = found.paths.etc / "tls"
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "host.pem", folder / "host.key")
    connection = http.client.HTTPSConnection(address, gateway.METADATA_PORT, timeout=SECONDS, context=context)
    try:
        connection.request("GET", gateway.MEMBERS)
        answer = connection.getresponse()
        return answer.read(4096).decode(errors="replace") if answer.status == 200 else ""
    finally:
        connection.close()
