"""Each check of `doctor --security` passes in a cloud as it should be, and fails for a cause of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onestack.health.securing.checks import CHECKS, judge
from onestack.health.securing.evidence import Evidence, FileFacts, Listener

PROJECTS = ("keystone", "glance", "neutron", "nova", "cinder", "horizon")
IDENTITY = "https://192.0.2.10:8080/identity"


def options() -> dict[str, dict[str, dict[str, str]]]:
    asks = {"keystone_authtoken": {"www_authenticate_uri": IDENTITY}}
    return {
        "keystone": {"token": {"provider": "fernet"}},
        "glance": {**asks, "paste_deploy": {"flavor": "keystone"}},
        "neutron": {**asks, "DEFAULT": {"auth_strategy": "keystone"}},
        "nova": {**asks, "api": {"auth_strategy": "keystone"}, "glance": {"endpoint_override": IDENTITY}},
        "cinder": {**asks, "DEFAULT": {"glance_api_servers": IDENTITY}, "nova": {"auth_url": IDENTITY}},
    }


GOOD = Evidence(
    options=options(),
    configuration={each: (FileFacts(f"/etc/{each}.conf", 0, 0, 0o600),) for each in PROJECTS},
    private=(FileFacts("/etc/secrets.json", 0, 0, 0o600),),
    listeners=(Listener("127.0.0.1", 5900, "qemu-system-x86_64"), Listener("192.0.2.10", 8080, "haproxy")),
    tls=True,
    loopback=False,
    isolated=True,
    several=False,
    gateway="    ssl-default-bind-options ssl-min-ver TLSv1.2\n",
    dashboard={
        **dict.fromkeys(
            (
                *("DISALLOW_IFRAME_EMBED", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_SECURE"),
                *("SESSION_COOKIE_HTTPONLY", "DISABLE_PASSWORD_REVEAL", "ENFORCE_PASSWORD_CHECK"),
            ),
            True,
        ),
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
    },
    days={"api-gateway": 300},
    own_ports=frozenset({8080}),
)


def with_option(project: str, section: str, name: str, value: str) -> Evidence:
    found = options()
    found[project] = {**found[project], section: {**found[project].get(section, {}), name: value}}
    return replace(GOOD, options=found)


def with_file(project: str, **changes: int) -> Evidence:
    file = replace(GOOD.configuration[project][0], **changes)  # type: ignore[arg-type]
    return replace(GOOD, configuration={**GOOD.configuration, project: (file,)})


def with_setting(name: str, value: Any) -> Evidence:
    return replace(GOOD, dashboard={**GOOD.dashboard, name: value})


_PREFIXES = {
    "Check-Identity": "keystone",
    "Check-Dashboard": "horizon",
    "Check-Compute": "nova",
    "Check-Block": "cinder",
    "Check-Image": "glance",
    "Check-Neutron": "neutron",
}
_IN_CLEAR = "http://192.0.2.10:8080/identity"
WITHOUT_TLS = replace(GOOD, tls=False)
CAUSES: dict[str, Evidence] = {
    **{f"{prefix}-01": with_file(project, uid=1000) for prefix, project in _PREFIXES.items()},
    **{f"{prefix}-02": with_file(project, mode=0o644) for prefix, project in _PREFIXES.items()},
    "Check-Identity-03": WITHOUT_TLS,
    "Check-Identity-05": with_option("keystone", "oslo_middleware", "max_request_body_size", "99999999"),
    "Check-Identity-06": with_option("keystone", "DEFAULT", "admin_token", "ADMIN"),
    "Check-Identity-07": with_option("keystone", "DEFAULT", "insecure_debug", "true"),
    "Check-Identity-08": with_option("keystone", "token", "provider", "uuid"),
    "Check-Dashboard-03": with_setting("DISALLOW_IFRAME_EMBED", False),
    "Check-Dashboard-04": with_setting("CSRF_COOKIE_SECURE", False),
    "Check-Dashboard-05": with_setting("SESSION_COOKIE_SECURE", False),
    "Check-Dashboard-06": with_setting("SESSION_COOKIE_HTTPONLY", None),
    "Check-Dashboard-08": with_setting("DISABLE_PASSWORD_REVEAL", False),
    "Check-Dashboard-09": with_setting("ENFORCE_PASSWORD_CHECK", False),
    "Check-Dashboard-11": with_setting("SECURE_PROXY_SSL_HEADER", None),
    "Check-Compute-03": with_option("nova", "api", "auth_strategy", "noauth2"),
    "Check-Compute-04": with_option("nova", "keystone_authtoken", "insecure", "True"),
    "Check-Compute-05": with_option("nova", "glance", "endpoint_override", _IN_CLEAR),
    "Check-Block-03": with_option("cinder", "DEFAULT", "auth_strategy", "noauth"),
    "Check-Block-04": with_option("cinder", "keystone_authtoken", "www_authenticate_uri", _IN_CLEAR),
    "Check-Block-05": with_option("cinder", "nova", "insecure", "true"),
    "Check-Block-06": with_option("cinder", "DEFAULT", "glance_api_servers", _IN_CLEAR),
    "Check-Block-08": with_option("cinder", "oslo_middleware", "max_request_body_size", "0"),
    "Check-Image-03": with_option("glance", "paste_deploy", "flavor", "noauth"),
    "Check-Image-04": with_option("glance", "keystone_authtoken", "insecure", "true"),
    "Check-Neutron-03": with_option("neutron", "DEFAULT", "auth_strategy", "noauth"),
    "Check-Neutron-04": with_option("neutron", "keystone_authtoken", "www_authenticate_uri", _IN_CLEAR),
    "Check-Neutron-05": replace(GOOD, gateway="ssl-min-ver TLSv1.0"),
    "OneStack-Files": replace(GOOD, private=(FileFacts("/etc/secrets.json", 0, 0, 0o640),)),
    "OneStack-Listeners": replace(GOOD, listeners=(Listener("0.0.0.0", 3306, "mariadbd"),)),
    "OneStack-Screens": replace(GOOD, isolated=False),
    "OneStack-Passwords": replace(GOOD, weak=("user/admin",)),
    "OneStack-Accounts": replace(GOOD, open_accounts=("root@%",)),
    "OneStack-Certificates": replace(GOOD, days={"api-gateway": 3}),
    "OneStack-Rotation": replace(GOOD, former=("user/nova",)),
}


def test_a_cloud_as_it_should_be_passes() -> None:
    assert [each.name for each in judge(GOOD) if not each.passed] == []


def test_every_check_has_a_cause_here_and_a_name_of_its_own() -> None:
    names = [each.name for each in CHECKS]
    assert len(names) == len({*names})
    assert {*CAUSES} == {*names}


@pytest.mark.parametrize("name", CAUSES)
def test_each_fails_for_its_cause(name: str) -> None:
    failed = {each.name: each for each in judge(CAUSES[name]) if not each.passed}
    assert name in failed
    assert failed[name].why
    assert failed[name].hint
    assert failed[name].as_dict()["passed"] is False


def test_on_loopback_nothing_leaves_the_host() -> None:
    found = replace(GOOD, tls=False, loopback=True, options=with_option("nova", "glance", "x", "y").options)
    dashboard = {**GOOD.dashboard, "CSRF_COOKIE_SECURE": False, "SESSION_COOKIE_SECURE": False}
    found = replace(found, dashboard={**dashboard, "SECURE_PROXY_SSL_HEADER": None})
    assert [each.name for each in judge(found) if not each.passed] == []


def test_what_a_cloud_does_not_have_is_not_checked() -> None:
    only = {"keystone": GOOD.configuration["keystone"]}
    names = {each.name.rpartition("-")[0] for each in judge(replace(GOOD, configuration=only))}
    assert names == {"Check-Identity", "OneStack"}
