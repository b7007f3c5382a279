"""One-time links, sessions, and what another site's page cannot do."""

from __future__ import annotations

import json

import pytest

from console.conftest import PORT, Browser, Samples
from onestack.console import audit, links
from onestack.console.links import Sessions
from onestack.console.pages import PAGES, PARTS
from onestack.core.paths import Paths

EVERYWHERE = [*(each.path for each in PAGES), *(f"/part/{name}" for name in PARTS), "/live/tasks", "/restart"]


@pytest.mark.parametrize("path", EVERYWHERE)
def test_without_a_session_there_is_nothing_to_see(stranger: Browser, samples: Samples, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status == 401
    assert b"sudo ./onestack console --root /somewhere" in answer.body
    assert not samples.asked


def test_a_link_logs_in_once(stranger: Browser, paths: Paths) -> None:
    token = links.new_link(paths, "ada")
    assert stranger.get("/login", token=token).status == 200
    assert stranger.get("/login", token=token).status == 403


def test_a_link_is_kept_as_a_digest_that_only_root_can_read(paths: Paths) -> None:
    token = links.new_link(paths, "ada")
    (file,) = links.links_folder(paths).iterdir()
    assert token not in file.name + file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_an_old_link_logs_nobody_in(stranger: Browser, paths: Paths) -> None:
    token = links.new_link(paths, "ada")
    (file,) = links.links_folder(paths).iterdir()
    file.write_text(json.dumps({"user": "ada", "until": 0}))
    assert stranger.get("/login", token=token).status == 403


def test_the_cookie_is_for_this_site_and_not_for_scripts(stranger: Browser) -> None:
    said = stranger.log_in().headers["Set-Cookie"]
    assert said.startswith(f"onestack-console-{PORT}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(said.split("; "))


def test_a_login_is_recorded(browser: Browser, paths: Paths) -> None:
    assert [(each["kind"], each["who"]) for each in audit.read(paths, 9)] == [("login", "ada")]
    assert audit.file_of(paths).stat().st_mode & 0o777 == 0o600


def test_who_logs_out_is_out(browser: Browser) -> None:
    assert browser.post("/logout").status == 303
    assert browser.get("/").status == 401


def test_a_session_without_requests_ends() -> None:
    sessions = Sessions(seconds=-1.0)
    assert sessions.find(sessions.begin("ada")) is None


def test_another_name_of_this_machine_is_refused(browser: Browser) -> None:
    assert browser.send("GET", "/", host="console.example:9470").status == 403


@pytest.mark.parametrize("csrf", ["", "wrong", "ä"])
@pytest.mark.parametrize("path", ["/restart", "/apply", "/part/plan", "/logout"])
def test_a_form_without_the_sessions_token_does_nothing(
    browser: Browser, samples: Samples, path: str, csrf: str
) -> None:
    form = {"csrf": csrf, "confirm": "yes", "name": "nova", "plan": "0123456789abcdef"}
    assert browser.send("POST", path, form=form).status == 403
    assert not samples.asked
    assert browser.get("/").status == 200


def test_a_form_of_another_sites_page_does_nothing(browser: Browser) -> None:
    form = {"csrf": browser.csrf}
    assert browser.send("POST", "/logout", form=form, origin="http://elsewhere.example").status == 403
    assert browser.send("POST", "/logout", form=form, origin="null").status == 403
    assert browser.send("POST", "/logout", form=form, origin=f"http://127.0.0.1:{PORT}").status == 303


def test_a_static_file_is_no_way_out_of_its_folder(browser: Browser) -> None:
    assert browser.get("/static/console.css").status == 200
    for path in ("/static/../web.py", "/static/x/console.css", "/static/LICENSES.txt", "/static/"):
        assert browser.get(path).status == 404, path
