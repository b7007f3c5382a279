"""The spec's section on metrics: the cloud's own Prometheus, and where its alerts and its metrics are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from onestack.language.quantities import Duration
from onestack.language.types import Bool, File, Int, Problem, Section, Text, example, pattern, text_schema

_SOCKET = "host:port, such as 172.24.4.20:9100"
_TARGET = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?:[1-9]\d{0,4}"
Target = Annotated[str, pattern(_TARGET, _SOCKET), text_schema(_SOCKET, pattern=f"^{_TARGET}$")]
_URL = "a URL: https://alerts.example.com/hook"
# Without a user in it: secrets have files of their own.
_URL_FORM = r"https?://[^\s/@?#]+([/?][^\s]*)?"
Url = Annotated[str, pattern(_URL_FORM, _URL), text_schema(_URL, pattern=f"^{_URL_FORM}$")]
_MAIL = "an address: ops@example.com"
_MAIL_FORM = r"[^\s@,<>]+@[^\s@,<>]+"
Mail = Annotated[str, pattern(_MAIL_FORM, _MAIL), text_schema(_MAIL, pattern=f"^{_MAIL_FORM}$")]

PORTS = ("port", "exporter_port", "alerts_port")
"""The keys of ports on loopback."""


class Access(Section):
    """How to be let in at another service."""

    user: Text | None = None
    """The user there."""
    password_file: File | None = None
    """The file on the control host that has its password, and nothing else. `up` copies it."""
    ca_file: File | None = None
    """The certificate of the CA that the other side is known by, if it is none of the public ones. `up` copies it."""

    def problems(self) -> Iterator[Problem]:
        if (self.user is None) != (self.password_file is None):
            given, missing = ("user", "password_file") if self.user else ("password_file", "user")
            yield Problem(f"'{given}' without '{missing}'", "both or neither", path=(given,))


class Receiver(Access):
    """Who is told of alerts: by a web hook, or by mail."""

    model_config = example("""\
platform:
  monitoring:
    enabled: true
    receivers:
      - {webhook: "https://alerts.example.com/hook"}
      - {email: ops@example.com, sender: cloud@example.com, relay: "mail.example.com:25", severity: critical}
""")

    webhook: Url | None = None
    """Alertmanager posts its JSON there: alerts that begin and that end."""
    email: Mail | None = None
    """Who gets a mail."""
    sender: Mail | None = None
    """Of mails: whom they are from."""
    relay: Target | None = None
    """Of mails: the server that takes them."""
    encrypted: Bool = True
    """Of mails: whether the server must offer STARTTLS."""
    severity: Literal["warning", "critical"] = "warning"
    """`critical`: only those."""

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if (self.webhook is None) == (self.email is None):
            yield Problem("a receiver is either a 'webhook' or an 'email'", "one of them")
            return
        for key in ("sender", "relay"):
            if self.email is not None and getattr(self, key) is None:
                yield Problem(f"a receiver by mail needs '{key}'", f"{key}: …", path=("email",))
            if self.email is None and getattr(self, key) is not None:
                yield Problem(f"'{key}' is not for a web hook", "leave it out", path=(key,))


class RemoteWrite(Access):
    """Another Prometheus, or what takes its protocol, that gets all metrics as they are collected."""

    model_config = example("""\
platform:
  monitoring: {enabled: true, remote_write: {url: "https://metrics.example.com/api/v1/write"}}
""")

    url: Url
    """Where it takes them."""


class Monitoring(Section):
    """The cloud's own Prometheus, with metrics of guests, load balancers and the cloud's processes every 5 s."""

    model_config = example("""\
platform:
  monitoring: {enabled: true, retention: 30d, size: 2048, targets: ["172.24.4.20:9100"]}
""")

    enabled: Literal["auto", True, False] = "auto"
    """`auto`: if a tenant has scaling groups, or alerts or metrics are sent. It takes 60 MiB of memory."""
    port: Annotated[Int, Field(ge=1, le=65535)] = 9490
    """Its port on 127.0.0.1 in the cloud's network."""
    exporter_port: Annotated[Int, Field(ge=1, le=65535)] = 9464
    """The port of the exporter, which serves the metrics at `/metrics`: on 127.0.0.1, and on the address of each host
    other than the control host, with TLS and for that one alone."""
    alerts_port: Annotated[Int, Field(ge=1, le=65535)] = 9493
    """The port of Alertmanager on 127.0.0.1, where there are receivers."""
    retention: Duration = Field(default=15 * 86400.0, json_schema_extra={"x-default": "`15d`"})
    """How long metrics are kept, 2h to 3650d."""
    size: Annotated[Int, Field(ge=64, le=1048576)] = 512
    """The size of the stored metrics, in MiB; the oldest are deleted first."""
    targets: tuple[Target, ...] = ()
    """Further targets, scraped at `/metrics` every 5 s: `host:port`, as reached from this machine."""
    receivers: tuple[Receiver, ...] = ()
    """Who is told of alerts. With any there is an Alertmanager (Debian's), which takes 35 MiB of memory."""
    remote_write: RemoteWrite | None = None
    """Where all metrics are sent besides."""
    syslog: Bool = False
    """Whether what the cloud's processes write goes to the syslog of their host as well, which may send it on; with
    or without Prometheus. A change restarts all processes."""

    @property
    def sends(self) -> bool:
        """Whether alerts or metrics are sent anywhere."""
        return bool(self.receivers) or self.remote_write is not None

    def problems(self) -> Iterator[Problem]:
        if not 7200 <= self.retention <= 3650 * 86400:
            yield Problem(
                f"{self.retention:g} s is not a valid retention", "2h to 3650d", path=("retention",)
            )
        if self.enabled is False and self.sends:
            key = "receivers" if self.receivers else "remote_write"
            yield Problem(f"'{key}' without monitoring", "enabled: true", path=(key,))
        for index, target in enumerate(self.targets):
            if target in self.targets[:index]:
                yield Problem(f"'{target}' is listed twice", "each once", path=("targets", index))
