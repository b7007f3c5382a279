"""The spec's section on metrics: the cloud's own Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from onestack.language.quantities import Duration
from onestack.language.types import Int, Problem, Section, example, pattern, text_schema

_SOCKET = "host:port, such as 172.24.4.20:9100"
_TARGET = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?:[1-9]\d{0,4}"
Target = Annotated[str, pattern(_TARGET, _SOCKET), text_schema(_SOCKET, pattern=f"^{_TARGET}$")]


class Monitoring(Section):
    """The cloud's own Prometheus, with metrics of guests, load balancers and the cloud's processes every 5 s."""

    model_config = example("""\
platform:
  monitoring: {enabled: true, retention: 30d, size: 2048, targets: ["172.24.4.20:9100"]}
""")

    enabled: Literal["auto", True, False] = "auto"
    """`auto`: if a tenant has scaling groups. It takes 60 MiB of memory."""
    port: Annotated[Int, Field(ge=1, le=65535)] = 9490
    """Its port on 127.0.0.1 in the cloud's network."""
    exporter_port: Annotated[Int, Field(ge=1, le=65535)] = 9464
    """The port of the exporter, which serves the metrics at `/metrics`: on 127.0.0.1, and on the address of each host
    other than the control host, with TLS and for that one alone."""
    retention: Duration = Field(default=15 * 86400.0, json_schema_extra={"x-default": "`15d`"})
    """How long metrics are kept, 2h to 3650d."""
    size: Annotated[Int, Field(ge=64, le=1048576)] = 512
    """The size of the stored metrics, in MiB; the oldest are deleted first."""
    targets: tuple[Target, ...] = ()
    """Further targets, scraped at `/metrics` every 5 s: `host:port`, as reached from this machine."""

    def problems(self) -> Iterator[Problem]:
        if not 7200 <= self.retention <= 3650 * 86400:
            yield Problem(
                f"{self.retention:g} s is not a valid retention", "2h to 3650d", path=("retention",)
            )
        for index, target in enumerate(self.targets):
            if target in self.targets[:index]:
                yield Problem(f"'{target}' is listed twice", "each once", path=("targets", index))
