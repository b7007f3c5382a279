"""A first spec from a few numbers: tenants, servers, hosts, redundancy. What `init` writes."""

from __future__ import annotations

from dataclasses import dataclass

from onestack.capacity.classic import Classic


@dataclass(frozen=True)
class Wanted:
    """`servers`: of each tenant. `redundancy`: how many of them can stand in for each other, on different hosts."""

    tenants: int = 1
    servers: int = 1
    hosts: int = 1
    redundancy: int = 1
    flavor: str = "m1.tiny"


def text(wanted: Wanted) -> str:
    """The spec as YAML, with the figures as comments."""
    names = [f"tenant-{number}" for number in range(1, wanted.tenants + 1)]
    figures = Classic(dict.fromkeys(names, wanted.servers), wanted.hosts, wanted.redundancy)
    size = f"{wanted.tenants} tenants with {wanted.servers} servers each"
    parts = [
        f"# A cloud for {size} on {wanted.hosts} host{'s' if wanted.hosts > 1 else ''}.",
        f"#   C = {figures.nodes} servers in all",
        f"#   N = {wanted.hosts}: L = C/N = {figures.load:g} servers on a host",
        f"#   R = {wanted.redundancy}: H = C/R = {figures.sets:g} sets of servers that can stand in for each other",
        "# Look at it:  onestack capacity cloud.yaml      Bring it up:  onestack up cloud.yaml",
        "version: 1",
        "name: cloud",
        "",
        *_platform(wanted),
        "",
        *_availability(wanted),
        "",
        *_template(wanted),
        "",
        "tenants:",
        *(f"  - {{name: {name}, like: standard}}" for name in names),
        "",
    ]
    return "\n".join(parts)


def _platform(wanted: Wanted) -> list[str]:
    if wanted.hosts == 1:
        return [
            "platform:",
            "  compute: {driver: libvirt}   # servers that really run, on this machine",
        ]
    return [
        "platform:",
        "  compute:",
        "    # Hosts that accept servers and run nothing; real ones are listed under `hosts` instead.",
        "    driver: fake",
        f"    hosts: {wanted.hosts}",
    ]


def _availability(wanted: Wanted) -> list[str]:
    return [
        "availability:",
        f"  tolerate: {min(wanted.redundancy, wanted.hosts) - 1}     # how many hosts may be lost",
        f"  redundancy: {wanted.redundancy}   # servers that can stand in for each other",
        "  mtbf: 180d      # a host fails twice a year: put your own figures here",
        "  mttr: 4h        # and is repaired within hours",
    ]


def _template(wanted: Wanted) -> list[str]:
    copies = min(wanted.redundancy, wanted.servers)
    sets = -(-wanted.servers // copies)
    quota = f"instances: {max(wanted.servers, 10)}, cores: -1, ram: -1, server_groups: {max(sets, 10)}"
    lines = [
        "templates:",
        "  - name: standard",
        f"    quota: {{compute: {{{quota}}}}}",
        "    networks: [{name: private, subnets: [{cidr: 10.0.0.0/16}]}]",
        "    routers: [{name: edge, external: public, networks: [private]}]",
    ]
    if copies > 1:
        lines += [
            "    # The servers of a set are on different hosts.",
            f"    server_groups: [{{name: 'set-${{index}}', count: {sets}, policy: anti-affinity}}]",
        ]
    lines.append("    servers:")
    for copy in range(copies):
        group = ", server_group: 'set-${index}'" if copies > 1 else ""
        name = f"server-{_letters(copy)}-${{index}}" if copies > 1 else "server-${index}"
        count = (wanted.servers - copy + copies - 1) // copies
        lines += [
            f"      - {{name: '{name}', count: {count}, image: tiny, flavor: {wanted.flavor},",
            f"         networks: [{{network: private}}]{group}}}",
        ]
    return lines


def _letters(number: int) -> str:
    """a, b, … z, aa, ab, …"""
    letters = ""
    number += 1
    while number:
        number, last = divmod(number - 1, 26)
        letters = chr(ord("a") + last) + letters
    return letters
