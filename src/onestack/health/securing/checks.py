"""The checklists of OpenStack's Security Guide, as far as they hold here, and what they lack. Pure.

Each item has the guide's name. Where the guide names a user of a package (`keystone`, `nova`), it is root here: all
services run as root of a namespace in which the machine's files are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from onestack.health.securing.evidence import Evidence, FileFacts

BODY = 114688
"""The guide's bound for a request's body, in bytes; also the default."""
RENEW_DAYS = 20
"""A certificate with less validity should have been renewed."""
_VNC = range(5900, 6900)


@dataclass(frozen=True)
class Check:
    """`fails`: why it is not so, in words; nothing if it is. `applies`: whether this cloud has what it is about."""

    name: str
    what: str
    fails: Callable[[Evidence], str]
    hint: str
    applies: Callable[[Evidence], bool] = lambda found: True


@dataclass(frozen=True)
class Result:
    """Of one check. `why`: empty if it passed."""

    name: str
    what: str
    why: str
    hint: str

    @property
    def passed(self) -> bool:
        return not self.why

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = {"name": self.name, "what": self.what, "passed": self.passed}
        return found if self.passed else {**found, "why": self.why, "hint": self.hint}


def judge(found: Evidence) -> list[Result]:
    """The results of all checks that apply."""
    return [
        Result(each.name, each.what, each.fails(found), each.hint) for each in CHECKS if each.applies(found)
    ]


_RESTORE = "`onestack up` writes it as it should be; look who changed it"


def _owner(files: Iterable[FileFacts]) -> str:
    return ", ".join(
        f"{each.path} is of uid {each.uid}, gid {each.gid}" for each in files if each.uid or each.gid
    )


def _config_owner(project: str, found: Evidence) -> str:
    return _owner(found.configuration[project])


def _config_mode(project: str, found: Evidence) -> str:
    loose = [each for each in found.configuration[project] if each.mode & 0o022]
    # Only root may enter /etc/onestack itself.
    files = [each for each in found.configuration[project] if each.path.rpartition(".")[2] in _SECRET_FILES]
    return _modes([*loose, *(each for each in files if each.mode & 0o137)])


_SECRET_FILES = ("conf", "ini", "json")


def _modes(files: Iterable[FileFacts]) -> str:
    return ", ".join(dict.fromkeys(f"{each.path} has mode {each.mode:o}" for each in files))


def _option(found: Evidence, project: str, section: str, name: str) -> str:
    return found.options[project].get(section, {}).get(name, "")


def _strategy(project: str, section: str, found: Evidence) -> str:
    said = _option(found, project, section, "auth_strategy") or "keystone"
    return "" if said == "keystone" else f"[{section}] auth_strategy is {said}"


def _secure(found: Evidence, project: str, section: str, name: str) -> str:
    if _option(found, project, section, "insecure").lower() == "true":
        return f"[{section}] insecure is true"
    url = _option(found, project, section, name)
    # Without TLS the APIs are on loopback: what is said there does not leave the host.
    if url.startswith("http:") and not (found.loopback and not found.several):
        return f"[{section}] {name} is {url}"
    return ""


def _authtoken(project: str, found: Evidence) -> str:
    return _secure(found, project, "keystone_authtoken", "www_authenticate_uri")


def _api_tls(found: Evidence) -> str:
    if not found.tls:
        return "" if found.loopback else "the APIs are not on loopback, and have no TLS"
    return "" if "ssl-min-ver TLSv1.2" in found.gateway else "the API gateway takes TLS before 1.2"


def _body_size(project: str, found: Evidence) -> str:
    said = _option(found, project, "oslo_middleware", "max_request_body_size")
    return "" if not said or 0 < int(said) <= BODY else f"[oslo_middleware] max_request_body_size is {said}"


def _equals(project: str, section: str, name: str, wanted: tuple[str, ...], found: Evidence) -> str:
    said = _option(found, project, section, name)
    return "" if said in wanted else f"[{section}] {name} is {said}"


def _dashboard(name: str, found: Evidence) -> str:
    return "" if found.dashboard.get(name) is True else f"{name} is {found.dashboard.get(name)}"


def _cookies(name: str, found: Evidence) -> str:
    return "" if not found.tls and found.loopback else _dashboard(name, found)


def _proxy(found: Evidence) -> str:
    wanted = ["HTTP_X_FORWARDED_PROTO", "https"] if found.tls else None
    said = found.dashboard.get("SECURE_PROXY_SSL_HEADER")
    return "" if said == wanted else f"SECURE_PROXY_SSL_HEADER is {said}"


def _private(found: Evidence) -> str:
    loose = [each for each in found.private if each.mode & 0o077]
    return ", ".join(filter(None, [_modes(loose), _owner(found.private)]))


def _reached(found: Evidence) -> str:
    """With several hosts, other ports are for these alone, with certificates: `docs/hosts.md` lists them."""
    if found.several:
        return ""
    others = [each for each in found.listeners if not each.loopback and each.port not in found.own_ports]
    return ", ".join(map(str, others))


def _screens(found: Evidence) -> str:
    if found.isolated:
        return ""
    open_ = [str(each) for each in found.listeners if each.port in _VNC and each.program.startswith("qemu")]
    return f"every user of this machine can connect: {', '.join(open_)}" if open_ else ""


def _of(project: str) -> Callable[[Evidence], bool]:
    return lambda found: project in found.configuration


def _files_of(prefix: str, project: str, title: str) -> tuple[Check, Check]:
    return (
        Check(
            f"{prefix}-01",
            f"configuration files of {title} are root's",
            partial(_config_owner, project),
            _RESTORE,
            _of(project),
        ),
        Check(
            f"{prefix}-02",
            f"configuration files of {title} are closed to others",
            partial(_config_mode, project),
            _RESTORE,
            _of(project),
        ),
    )


def _service(
    prefix: str, project: str, title: str, section: str, strategy: Callable[[Evidence], str] | None = None
) -> tuple[Check, ...]:
    return (
        *_files_of(prefix, project, title),
        Check(
            f"{prefix}-03",
            f"{title} authenticates by Keystone",
            strategy or partial(_strategy, project, section),
            _RESTORE,
            _of(project),
        ),
        Check(
            f"{prefix}-04",
            f"{title} reaches Keystone by TLS where that leaves the host",
            partial(_authtoken, project),
            "platform.listen with TLS, then `onestack up`",
            _of(project),
        ),
    )


_KEYSTONE = partial(_equals, "keystone")
CHECKS: tuple[Check, ...] = (
    *_files_of("Check-Identity", "keystone", "Keystone"),
    Check("Check-Identity-03", "TLS where the APIs leave the host", _api_tls, "platform.listen: {tls: true}"),
    Check(
        "Check-Identity-05",
        "Keystone bounds a request's body",
        partial(_body_size, "keystone"),
        _RESTORE,
    ),
    Check(
        "Check-Identity-06", "no admin token", partial(_KEYSTONE, "DEFAULT", "admin_token", ("",)), _RESTORE
    ),
    Check(
        "Check-Identity-07",
        "answers tell nothing of why a login failed",
        partial(_KEYSTONE, "DEFAULT", "insecure_debug", ("", "false", "False")),
        _RESTORE,
    ),
    Check(
        "Check-Identity-08",
        "Fernet tokens",
        partial(_KEYSTONE, "token", "provider", ("fernet", "")),
        _RESTORE,
    ),
    *_files_of("Check-Dashboard", "horizon", "Horizon"),
    *(
        Check(f"Check-Dashboard-{number}", what, partial(test, name), _RESTORE, _of("horizon"))
        for number, what, test, name in (
            ("03", "the dashboard is in no frame of another page", _dashboard, "DISALLOW_IFRAME_EMBED"),
            ("04", "the cookie against forged forms goes over TLS alone", _cookies, "CSRF_COOKIE_SECURE"),
            ("05", "the session's cookie goes over TLS alone", _cookies, "SESSION_COOKIE_SECURE"),
            ("06", "scripts cannot read the session's cookie", _dashboard, "SESSION_COOKIE_HTTPONLY"),
            ("08", "passwords are not shown", _dashboard, "DISABLE_PASSWORD_REVEAL"),
            (
                "09",
                "an administrator who sets a password gives his own",
                _dashboard,
                "ENFORCE_PASSWORD_CHECK",
            ),
        )
    ),
    Check("Check-Dashboard-11", "the dashboard believes the gateway alone", _proxy, _RESTORE, _of("horizon")),
    *_service("Check-Compute", "nova", "Nova", "api"),
    Check(
        "Check-Compute-05",
        "Nova reaches Glance by TLS where that leaves the host",
        lambda found: _secure(found, "nova", "glance", "endpoint_override"),
        "platform.listen with TLS, then `onestack up`",
        _of("nova"),
    ),
    *_service("Check-Block", "cinder", "Cinder", "DEFAULT"),
    Check(
        "Check-Block-05",
        "Cinder reaches Nova by TLS where that leaves the host",
        lambda found: _secure(found, "cinder", "nova", "auth_url"),
        "platform.listen with TLS, then `onestack up`",
        _of("cinder"),
    ),
    Check(
        "Check-Block-06",
        "Cinder reaches Glance by TLS where that leaves the host",
        lambda found: _secure(found, "cinder", "DEFAULT", "glance_api_servers"),
        "platform.listen with TLS, then `onestack up`",
        _of("cinder"),
    ),
    Check(
        "Check-Block-08",
        "Cinder bounds a request's body",
        partial(_body_size, "cinder"),
        _RESTORE,
        _of("cinder"),
    ),
    *_service(
        "Check-Image",
        "glance",
        "Glance",
        "DEFAULT",
        partial(_equals, "glance", "paste_deploy", "flavor", ("keystone", "keystone+caching")),
    ),
    *_service("Check-Neutron", "neutron", "Neutron", "DEFAULT"),
    Check(
        "Check-Neutron-05",
        "TLS where Neutron's API leaves the host",
        _api_tls,
        "platform.listen: {tls: true}",
        _of("neutron"),
    ),
    Check("OneStack-Files", "secrets, keys and the audit log are root's alone", _private, _RESTORE),
    Check(
        "OneStack-Listeners",
        "nothing but the API gateway is reached from outside",
        _reached,
        "end what is there, or `onestack up`",
    ),
    Check(
        "OneStack-Screens",
        "guests' screens (VNC) are closed to this machine's other users",
        _screens,
        "let only administrators log in to this machine, or use a cloud with `platform.network.isolated: true`",
    ),
    Check(
        "OneStack-Passwords",
        "no secret is short",
        lambda found: ", ".join(found.weak),
        "`onestack secrets rotate`; `onestack secrets rotate admin`",
    ),
    Check(
        "OneStack-Accounts",
        "no user of MariaDB is without a password, or of another host",
        lambda found: ", ".join(found.open_accounts),
        "drop them in MariaDB",
    ),
    Check(
        "OneStack-Certificates",
        "no certificate expires soon",
        lambda found: ", ".join(f"{name} in {n} days" for name, n in found.days.items() if n < RENEW_DAYS),
        "`onestack certificates renew`",
    ),
    Check(
        "OneStack-Rotation",
        "no replacement of secrets was cut off",
        lambda found: f"the former ones of {', '.join(found.former)} are still valid" if found.former else "",
        "`onestack secrets rotate`",
    ),
)
