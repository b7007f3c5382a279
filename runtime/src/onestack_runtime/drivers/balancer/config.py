"""HAProxy's configuration: the output of Octavia's template, adapted to one HAProxy in a network namespace.

Frontends, backends, L7 rules and headers are Octavia's. Changed or added are the global section, stick tables that
survive a reload, consistent hashing (so that servers can be added and removed at run time), and what Octavia leaves
to the amphora: the PING script, the Prometheus exporter, TLS-HELLO monitors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from onestack_runtime.drivers.balancer.control import Wanted
from onestack_runtime.drivers.balancer.places import Place

PING = "/var/lib/octavia/ping"
"""The script HAProxy runs for PING monitors (onestack_runtime.drivers.balancer.haproxy)."""
_OCTAVIA_PING = "/var/lib/octavia/ping-wrapper.sh"
_KEYWORDS = ("global", "defaults", "frontend", "backend", "peers", "listen")
_PEERS = ("peers local", "    peer local 127.0.0.1:1025")
"""The only peer is the HAProxy itself: at a reload the old process passes its stick tables to the new one."""


@dataclass(frozen=True)
class Extra:
    """Input that is not in Octavia's text. `hello`: ids of pools with a TLS-HELLO monitor; `prometheus`: ids of
    listeners that export statistics; `tls`: digest of the certificate files."""

    threads: int = 2
    hello: Collection[str] = ()
    prometheus: Collection[str] = ()
    tls: str = ""


@dataclass
class Section:
    """A section of the configuration. `title`: its first line, such as `backend <pool>:<listener>`."""

    title: str
    lines: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.title.split()[0]

    @property
    def name(self) -> str:
        return self.title.partition(" ")[2].strip()


def parse(text: str) -> list[Section]:
    """The sections of a configuration, without comments and empty lines."""
    sections: list[Section] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace() and line.split()[0] in _KEYWORDS:
            sections.append(Section(line.strip()))
        elif sections:
            sections[-1].lines.append(line.strip())
    return sections


def write(sections: Iterable[Section]) -> str:
    """The text of sections."""
    return "\n".join(
        "\n".join([each.title, *(f"    {line}" for line in each.lines), ""]) for each in sections
    )


def finish(text: str, place: Place, extra: Extra) -> str:
    """Octavia's text for one balancer, adapted as described in the module's docstring."""
    sections = [each for each in parse(text) if not each.name.startswith("prometheus-exporter-internal")]
    out = [_global(sections, place, extra)]
    sticky = any(line.startswith("stick-table ") for each in sections for line in each.lines)
    if sticky:
        out.append(Section(_PEERS[0], [_PEERS[1].strip()]))
    for section in sections:
        if section.kind == "global":
            continue
        section.lines = [_line(each, section, extra) for each in section.lines]
        if section.kind == "backend":
            _backend(section, extra)
        if section.kind == "frontend" and section.name in extra.prometheus:
            _exporter(section)
        out.append(section)
    return write(out)


def _global(sections: list[Section], place: Place, extra: Extra) -> Section:
    octavia = next(each for each in sections if each.kind == "global").lines
    kept = [
        line for line in octavia if line.split()[0] in ("maxconn", "external-check", "insecure-fork-wanted")
    ]
    return Section(
        "global",
        [
            # Not the API gateway's user: a tenant's HAProxy must not reach the APIs' sockets.
            "user nobody",
            "group nogroup",
            f"stats socket {place.socket} mode 600 level admin",
            f"server-state-file {place.state}",
            f"nbthread {extra.threads}",
            # As in the amphora: a limit above the system's is lowered with a warning, and is no error.
            "no strict-limits",
            # After a reload, a client that keeps its connection open must not keep the old process for ever.
            "hard-stop-after 30m",
            *kept,
            *([f"# certificates {extra.tls}"] if extra.tls else []),
        ],
    )


def _line(line: str, section: Section, extra: Extra) -> str:
    if line.startswith("stick-table ") and " peers " not in line:
        return f"{line} peers local"
    if line.startswith("external-check command"):
        return line.replace(_OCTAVIA_PING, PING)
    return line


def _backend(section: Section, extra: Extra) -> None:
    # The default `map-based` hash is fixed at the start; with consistent hashing, servers can be added and removed.
    if "balance source" in section.lines:
        section.lines.insert(section.lines.index("balance source") + 1, "hash-type consistent")
    if section.name.partition(":")[0] in extra.hello:
        section.lines = [
            _with_tls_hello(each) if each.startswith("server ") else each for each in section.lines
        ]


def _with_tls_hello(line: str) -> str:
    """A server line whose health check is a TLS handshake."""
    words = line.split()
    if "ssl" in words or "check" not in words:
        return line
    at = words.index("check") + 1
    return " ".join([*words[:at], "check-ssl", "verify", "none", *words[at:]])


def _exporter(section: Section) -> None:
    section.lines = [each for each in section.lines if not each.startswith("default_backend ")]
    section.lines += [
        "http-request use-service prometheus-exporter if { path /metrics }",
        "http-request return status 404",
    ]


def servers(text: str) -> list[Wanted]:
    """The servers of every backend."""
    wanted = []
    for section in parse(text):
        for line in section.lines if section.kind == "backend" else []:
            words = line.split()
            if words[0] != "server":
                continue
            name, address, options = words[1], words[2], words[3:]
            weight = 1
            if "weight" in options:
                at = options.index("weight")
                weight = int(options[at + 1])
                del options[at : at + 2]
            disabled = "disabled" in options
            rest = tuple(each for each in options if each != "disabled")
            wanted.append(Wanted(section.name, name, address, weight, disabled, rest))
    return wanted


def needs_reload(loaded: str, wanted: str) -> bool:
    """Whether HAProxy must be reloaded for this change: commands on its runtime socket do not suffice."""
    if _skeleton(loaded) != _skeleton(wanted):
        return True
    before = {(each.backend, each.name): each for each in servers(loaded)}
    for each in servers(wanted):
        old = before.get((each.backend, each.name))
        if old and (old.address, old.options) != (each.address, each.options):
            return True
    return False


def _skeleton(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The configuration without its servers."""
    return [
        (each.title, tuple(line for line in each.lines if not line.startswith("server ")))
        for each in parse(text)
    ]
