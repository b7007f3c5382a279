"""Checks the dashboard as a browser would: the login page, one of its static files, a tenant's login."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from onestack.core.errors import PermanentError
from onestack.health.verify.report import Recorder
from onestack.health.verify.tenant import Tenant

SECONDS = 60.0
"""How long a page may take."""
DOMAIN = "Default"


class Page(HTMLParser):
    """The parts of a login page: the hidden fields, which are sent back unchanged, and the files that the browser
    loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.files: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "input" and found.get("type") == "hidden":
            self.hidden[found["name"]] = found.get("value", "")
        if tag == "script" and found.get("src"):
            self.files.append(found["src"])


def check_dashboard(record: Recorder, user: Tenant, url: str) -> None:
    """Log in at `url` (with a trailing slash) as a tenant. A failure is recorded as a step."""
    with record.check("dashboard", hint="onestack logs horizon; onestack logs api-gateway") as at:
        session = requests.Session()
        # A proxy that this machine uses for the Internet is ignored: the cloud is reached directly.
        session.trust_env = False
        session.verify = user.cloud.session.verify or False
        login = urljoin(url, "auth/login/")
        page = Page(_get(session, login).text)
        if "csrfmiddlewaretoken" not in page.hidden or not page.files:
            raise PermanentError(f"{login} shows no login page")
        file = _get(session, urljoin(login, page.files[0]))
        begun = time.monotonic()
        auth = user.cloud.config.get_auth_args()
        sent = {"username": user.name, "password": auth["password"], "domain": DOMAIN}
        answer = session.post(
            login, data={**page.hidden, **sent}, headers={"Referer": login}, timeout=SECONDS
        )
        took = time.monotonic() - begun
        if answer.status_code != 200 or user.name not in answer.text or answer.url.startswith(login):
            raise PermanentError(
                f"{user.name} could not log in at {login}: {answer.status_code} at {answer.url}"
            )
        at.outcome = f"a tenant logged in in {took:.1f} s; a script of {len(file.content) // 1024} KiB"


def _get(session: requests.Session, url: str) -> requests.Response:
    answer = session.get(url, timeout=SECONDS)
    if answer.status_code != 200 or not answer.content:
        raise PermanentError(f"{url} answers {answer.status_code} with {len(answer.content)} bytes")
    return answer
