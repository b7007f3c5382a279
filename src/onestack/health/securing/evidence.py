"""What the security checks are made from: read once, so that the checks themselves are pure."""

from __future__ import annotations

import configparser
import datetime
import ipaddress
import json
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onestack.core import contract
from onestack.core.errors import OneStackError
from onestack.host import processes
from onestack.platform import expiry, secrets
from onestack.platform.infrastructure import gateway, mariadb
from onestack.platform.places import GATEWAY_CERTIFICATE
from onestack.platform.site import Site

_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""


@dataclass(frozen=True)
class FileFacts:
    """Who owns a file, and who may do what with it. `path`: as it is outside the namespace."""

    path: str
    uid: int
    gid: int
    mode: int


@dataclass(frozen=True)
class Listener:
    """A TCP socket on which a process of the cloud listens."""

    address: str
    port: int
    program: str

    @property
    def loopback(self) -> bool:
        return ipaddress.ip_address(self.address).is_loopback

    def __str__(self) -> str:
        return f"{self.program} on {self.address} port {self.port}"


@dataclass(frozen=True)
class Evidence:
    """`options`: the configuration of each project, as on the disk. `dashboard`: the dashboard's settings.
    `private`: the files that hold secrets. `weak`: secrets too short to be safe, by name. `open_accounts`: MariaDB's
    users without a password. `days`: how long each certificate is valid. `isolated`: whether the cloud's network is
    not the machine's. `own_ports`: ports that may be reached from outside."""

    options: Mapping[str, Mapping[str, Mapping[str, str]]]
    configuration: Mapping[str, tuple[FileFacts, ...]]
    private: tuple[FileFacts, ...]
    listeners: tuple[Listener, ...]
    tls: bool
    loopback: bool
    isolated: bool
    several: bool
    gateway: str = ""
    dashboard: Mapping[str, Any] = field(default_factory=dict)
    weak: tuple[str, ...] = ()
    open_accounts: tuple[str, ...] = ()
    days: Mapping[str, int] = field(default_factory=dict)
    own_ports: frozenset[int] = frozenset()
    former: tuple[str, ...] = ()


def collect(site: Site) -> Evidence:
    """Look at this host. Raises PermanentError where it is not the leader."""
    node = site.leader
    etc = node.paths.etc
    projects = [each for each in contract.CONFIGURATION if (etc / each).is_dir()]
    configured = {each: [etc / name for name in contract.CONFIGURATION[each]] for each in projects}
    settings = etc / contract.CONFIGURATION["horizon"][0]
    known = site.view.cloud.secrets
    values = {name: each for name, each in known.items() if not name.startswith(("login/", secrets.BEFORE))}
    now = datetime.datetime.now(datetime.UTC)
    listen = site.spec.listen
    text = (etc / f"{gateway.NAME}/haproxy.cfg").read_text()
    return Evidence(
        options={each: _options(files) for each, files in configured.items() if each != "horizon"},
        configuration={each: tuple(_facts(etc / each)) for each in projects},
        private=tuple(_private(site)),
        listeners=tuple(_listeners(site)),
        tls=site.tls,
        loopback=listen.address.is_loopback,
        isolated=node.choices.isolated,
        several=bool(site.peers),
        gateway=text,
        dashboard=json.loads(settings.read_text()) if settings.exists() else {},
        weak=tuple(sorted(name for name, value in values.items() if len(value) < 12)),
        open_accounts=tuple(_open_accounts(site)),
        days={each.name: each.days(now) for each in expiry.certificates(site)},
        own_ports=frozenset({listen.port}),
        former=tuple(secrets.replaced(known)),
    )


def _options(files: list[Path]) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(strict=False)
    parser.read([str(each) for each in files])
    found = {section: dict(parser.items(section)) for section in parser.sections()}
    return {"DEFAULT": dict(parser.defaults()), **found}


def _facts(folder: Path) -> Iterator[FileFacts]:
    for file in [folder, *sorted(folder.rglob("*"))]:
        yield facts(file)


def facts(file: Path) -> FileFacts:
    """Those of one file."""
    found = file.stat()
    return FileFacts(str(file), found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def _private(site: Site) -> Iterator[FileFacts]:
    """The files that hold passwords, keys, or what users did."""
    node = site.leader
    places = [site.secrets_file, node.paths.etc / "clouds.yaml", node.outside(contract.AUDIT_LOG)]
    places += [node.outside(GATEWAY_CERTIFICATE), *(node.paths.etc / "tls").glob("*.key")]
    places += [node.paths.etc / "tls/authority.pem", *(node.paths.etc / "tls/hosts").glob("*.pem")]
    for folder in (contract.TOKEN_KEYS, contract.RECEIPT_KEYS, contract.CREDENTIAL_KEYS):
        places += [node.outside(folder), *node.outside(folder).glob("*")]
    for file in places:
        if file.exists():
            yield facts(file)


def _open_accounts(site: Site) -> list[str]:
    """MariaDB's users that may log in without a password, or from another host."""
    # Root's has the password 'invalid', which no password is, and the socket beside it.
    sql = (
        "SELECT CONCAT(User, '@', Host) FROM mysql.global_priv WHERE"
        " COALESCE(JSON_VALUE(Priv, '$.is_role'), 'false') NOT IN ('1', 'true')"
        " AND COALESCE(JSON_VALUE(Priv, '$.account_locked'), 'false') NOT IN ('1', 'true')"
        " AND (Host <> 'localhost' OR (COALESCE(JSON_VALUE(Priv, '$.plugin'), '') IN ('', 'mysql_native_password')"
        " AND COALESCE(JSON_VALUE(Priv, '$.authentication_string'), '') = ''));\n"
    )
    try:
        return site.leader.inside(mariadb.client(), text_in=sql).split()
    except OneStackError as error:
        return [f"(MariaDB cannot be asked: {error.summary})"]


def _listeners(site: Site) -> list[Listener]:
    """What the cloud's processes listen on, in the cloud's own network."""
    inodes: dict[str, str] = {}
    network = None
    for each in processes.of_cloud(site.paths.run):
        place = Path(f"/proc/{each.pid}")
        try:
            if each.program in ("haproxy", "mariadbd") and network is None and not each.is_balancer:
                network = place / "net"
            for link in (place / "fd").iterdir():
                target = str(link.readlink())
                if target.startswith("socket:["):
                    inodes[target[8:-1]] = each.program
        except OSError:
            continue  # It has ended meanwhile.
    found = []
    for name in ("tcp", "tcp6") if network else ():
        for row in (network / name).read_text().splitlines()[1:]:  # type: ignore[operator]
            words = row.split()
            if words[3] == _LISTEN and words[9] in inodes:
                address, _, port = words[1].partition(":")
                found.append(Listener(_address(address), int(port, 16), inodes[words[9]]))
    return sorted(found, key=lambda each: (each.port, each.address))


def _address(text: str) -> str:
    """An address as /proc/net has it: words of four bytes in the machine's order."""
    raw = b"".join(bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8))
    return str(ipaddress.ip_address(raw))
