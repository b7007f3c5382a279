"""The dashboard: at the API gateway but not in the catalogue, with settings that fit how the gateway is reached."""

from __future__ import annotations

import json
from typing import Any

from onestack.platform import catalogue
from onestack.platform.infrastructure import gateway
from onestack.platform.services import CATALOGUE, identity
from onestack.platform.view import View
from services.views import with_cloud


def settings(view: View) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CATALOGUE["dashboard"].files(view)["horizon/settings.json"])
    return found


def haproxy(view: View) -> str:
    return gateway.files(
        with_cloud(view, endpoints=catalogue.endpoints(view.cloud.services), binds=("127.0.0.1:8080",))
    )["api-gateway/haproxy.cfg"]


def test_no_client_finds_the_page_in_the_catalogue(view: View) -> None:
    types = {each["type"] for each in identity.wanted(view, CATALOGUE.values())["services"]}
    assert "dashboard" not in types
    assert types >= {type_ for type_ in CATALOGUE if type_ != "dashboard"}


def test_cookies_are_secure_where_the_front_speaks_tls(view: View) -> None:
    encrypted, plain = settings(view), settings(with_cloud(view, gateway="http://127.0.0.1:8080"))
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        assert (encrypted[name], plain[name]) == (True, False)
    # Otherwise any client could say in a header that it came by TLS.
    assert encrypted["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert plain["SECURE_PROXY_SSL_HEADER"] is None


def test_the_front_leads_to_the_page_and_keeps_its_files(view: View) -> None:
    text = haproxy(view)
    assert "redirect location /dashboard/ if { path / }" in text
    assert "use_backend horizon if { path /dashboard } || { path_beg /dashboard/ }" in text
    kept = text.split("backend horizon\n")[1].split("backend ")[0]
    assert "path_beg /dashboard/static/" in kept
    assert text.count("cache-store") == 1, "only the dashboard's files are the same for everybody"


def test_without_the_dashboard_nothing_of_it_is_in_the_front(view: View) -> None:
    text = haproxy(with_cloud(view, services=view.cloud.services - {"dashboard"}))
    assert not [word for word in ("dashboard", "redirect", "cache") if word in text]


def test_consoles_are_reached_where_guests_have_screens(view: View, fake_view: View) -> None:
    assert "use_backend console if { path_beg /console/ }" in haproxy(view)
    nova = CATALOGUE["compute"].files(view)["nova/nova.conf"]
    assert f"novncproxy_base_url = {view.cloud.gateway}/console/vnc_lite.html?path=console/websockify" in nova
    assert "server_listen = 127.0.0.1" in nova
    assert "backend console" not in haproxy(fake_view)
    assert "[vnc]\nenabled = false" in CATALOGUE["compute"].files(fake_view)["nova/nova.conf"]
    assert "backend console" not in haproxy(with_cloud(view, services=frozenset({"identity", "dashboard"})))
