"""What an operator asks about the security of a cloud, and does for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from pydantic import TypeAdapter

from onestack.core.errors import BadInput, OneStackError
from onestack.core.events import Emit, Event, silent
from onestack.core.paths import Paths
from onestack.health.securing import audit, checks, evidence
from onestack.health.securing.audit import Event as AuditEvent
from onestack.health.securing.audit import Wanted
from onestack.health.securing.checks import Result
from onestack.host.lock import held
from onestack.platform import expiry, rotation, secrets, site, tls
from onestack.platform.expiry import Certificate
from onestack.platform.hosts import cluster
from onestack.platform.infrastructure import gateway_certificate
from onestack.platform.places import user_secret
from onestack.platform.site import Site

_EVENTS: TypeAdapter[Iterable[AuditEvent]] = TypeAdapter(list[dict[str, Any]])


class Up(Protocol):
    """`Cloud.up`: brings everything up with what is stored."""

    def __call__(self, *, emit: Emit, wait: float) -> object: ...


@dataclass(frozen=True)
class SecretKind:
    """A kind of secrets. `number`: how many, but for token keys. `by_itself`: replaced where no kind is named.
    `unfinished`: the former ones are still valid, since a replacement was cut off."""

    name: str
    what: str
    number: int
    by_itself: bool
    unfinished: bool


class Securing:
    """The security of the cloud under `paths`."""

    def __init__(self, paths: Paths, up: Up) -> None:
        self._paths = paths
        self._up = up

    def secrets(self) -> list[SecretKind]:
        """The kinds of secrets that it has. Raises BadInput, PermanentError."""
        found = site.load(self._paths)
        found.require_leader()
        under_way = {*secrets.replaced(found.view.cloud.secrets)}
        rows = []
        for each in rotation.KINDS:
            names = rotation.names(found, each.name)
            if names or each.name == rotation.FERNET:
                rows.append(
                    SecretKind(each.name, each.what, len(names), each.by_itself, bool(under_way & {*names}))
                )
        return rows

    def rotate(
        self,
        kinds: Sequence[str] = (),
        *,
        password: str | None = None,
        emit: Emit = silent,
        wait: float = 0.0,
    ) -> None:
        """Replace secrets; without `kinds` all that people do not use. What was cut off is finished first.

        `password`: the administrator's new one. `wait`: seconds to wait for another command that holds the cloud.
        Raises BadInput, Busy, PermanentError, Unready.
        """
        found = site.load(self._paths)
        found.require_leader()
        rotation.require(found, kinds)
        chosen = [*kinds] or [
            each.name for each in rotation.KINDS if each.by_itself and self._can(found, each.name)
        ]
        if secrets.replaced(found.view.cloud.secrets):
            emit(Event("secrets", "noted", "an earlier replacement was cut off: it is finished first"))
            self._take_up(found, emit, wait)
        values = rotation.new_values(found, chosen, password)
        if values:
            with self._held(found, wait):
                secrets.replace(found.secrets_file, values)
            self._take_up(site.load(self._paths), emit, wait)
        if rotation.FERNET in chosen:
            rotation.rotate_fernet(found, emit)

    def certificates(self) -> list[Certificate]:
        """The certificates that are on this host, those of other hosts on the leader, too."""
        return list(expiry.certificates(site.load(self._paths)))

    def renew(self, *, emit: Emit = silent, wait: float = 0.0) -> list[Certificate]:
        """Issue all certificates of ours anew but the CA's, and have them used; all of them, then.

        The API gateway takes its own while it serves. With several hosts their services are started anew by `up`.
        Raises BadInput, Busy, PermanentError.
        """
        found = site.load(self._paths)
        found.require_leader()
        if not any(each.ours and each.name != expiry.AUTHORITY for each in expiry.certificates(found)):
            raise BadInput("OneStack issued no certificate here", hint="platform.listen in the spec")
        with self._held(found, wait):
            if found.tls:
                tls.ensure(found, anew=True)
                gateway_certificate.take(found, found.leader, emit)
            if found.peers:
                tls.forget_hosts(found)
        if found.peers:
            self._up(emit=emit, wait=wait)
        return self.certificates()

    def check(self) -> list[Result]:
        """The items of OpenStack's Security Guide, and some of ours, on this host. Changes nothing. Raises BadInput,
        PermanentError."""
        return checks.judge(evidence.collect(site.load(self._paths)))

    @staticmethod
    def _can(found: Site, kind: str) -> bool:
        return kind != rotation.FERNET or not found.view.replicated

    def _take_up(self, found: Site, emit: Emit, wait: float) -> None:
        if found.peers:
            self._up(emit=emit, wait=wait)
        with self._held(found, wait):
            now = site.load(self._paths)
            if not found.peers:
                rotation.take_up(now, emit)
            if user_secret("admin") in secrets.replaced(now.view.cloud.secrets):
                rotation.renew_watchers(now)
            rotation.finish(now, emit)

    @staticmethod
    def _held(found: Site, wait: float) -> AbstractContextManager[None]:
        return held(found.paths.lock, "onestack secrets or certificates", seconds=wait)

    def audit(self, wanted: Wanted) -> tuple[Sequence[AuditEvent], dict[str, str]]:
        """The events of its audit log that are wanted, the oldest first; and why a host's could not be read, by host.

        Raises BadInput for a wrong time, and where there is no log yet.
        """
        found = audit.read(self._paths, wanted)
        if cluster.led_from_here(self._paths) is None:
            if not found:
                audit.require_any_log(self._paths)
            return found, {}
        with cluster.reachable(self._paths) as (others, failed):
            missing = {name: str(why) for name, why in failed.items()}
            for each in others:
                if not each.same_version:
                    missing[each.name] = "it has another version of OneStack, which `onestack up` renews"
                    continue
                try:
                    found += each.ask("audit", asdict(wanted), _EVENTS)
                except OneStackError as error:
                    missing[each.name] = error.summary
        return audit.ordered(found), missing
