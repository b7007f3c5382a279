"""What pages show: whatever text is in it, it stays text; no script or style but the console's own files."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from console.conftest import Browser, Samples
from console.samples import DATA, EVIL
from onestack.console import http
from onestack.console.pages import PAGES, PARTS, curve, duration, size, words
from onestack.core.paths import Paths


class Tags(HTMLParser):
    """All tags with their attributes, and what is wrong with them under the policy."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and not str(given.get("src", "")).startswith("/static/"):
            self.wrong.append("a script of its own")
        self.wrong += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if "id" in given:
            self.ids.append(str(given["id"]))
        for name in ("href", "src", "action", "hx-get", "hx-post", "sse-connect"):
            if name in given:
                self.links.append(str(given[name]))


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    policy = http.HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)


@pytest.mark.parametrize("path", [*(each.path for each in PAGES), "/restart", "/nowhere"])
def test_pages_keep_to_the_policy(browser: Browser, path: str) -> None:
    browser.get(path)
    text = browser.text(path, name="nova", word=EVIL, kind="server", service=EVIL, q=EVIL)
    tags = Tags(text)
    assert not tags.wrong
    assert EVIL not in text
    assert len(tags.ids) == len(set(tags.ids))
    assert all(each.startswith(("/", "#")) and not each.startswith("//") for each in tags.links), tags.links


@pytest.mark.parametrize("name", [name for name in PARTS if name != "plan"])
def test_parts_escape_what_they_show(browser: Browser, name: str) -> None:
    text = browser.text(f"/part/{name}")
    assert EVIL not in text
    assert ("&lt;script&gt;" in text) == (EVIL in str(DATA[name]))
    assert not Tags(text).wrong


@pytest.mark.parametrize("name", list(PARTS))
def test_a_part_that_cannot_be_read_says_why_and_what_next(
    browser: Browser, samples: Samples, name: str
) -> None:
    problem = {"error": f"MariaDB is down {EVIL}", "detail": EVIL, "where": EVIL, "hint": "`onestack status`"}
    samples.problems[PARTS[name].read] = problem
    text = browser.text(f"/part/{name}")
    assert "cannot be shown:</strong> MariaDB is down" in text
    assert "Next: `onestack status`" in text
    assert EVIL not in text


def test_a_part_is_asked_only_what_it_takes(browser: Browser, samples: Samples) -> None:
    browser.get("/part/log", service="nova", q="", other="x")
    assert samples.asked == [("here.log", {"service": "nova"})]


def test_a_plan_is_shown_with_its_reasons_and_applied_only_after_a_yes(browser: Browser) -> None:
    text = browser.post("/part/plan", what="plan", which="applied").body.decode()
    assert "1 to add, 1 to change, 1 to destroy" in text
    assert EVIL not in text
    assert 'name="confirm" value="yes" required' in text
    assert not Tags(text).wrong


def test_an_uploaded_spec_is_kept_where_only_root_can_read_it(
    browser: Browser, samples: Samples, paths: Paths
) -> None:
    browser.post("/part/plan", what="plan", which="mine", spec="name: x\n", prune="yes")
    (_, given), *_ = [each for each in samples.asked if each[0] == "apis.plan"]
    assert (given["prune"], given["adopt"], given["drift"]) == (True, False, False)
    (file,) = (paths.lib / "console/plans").glob("*.yaml")
    assert (str(file), file.read_text()) == (given["file"], "name: x\n")
    assert file.stat().st_mode & 0o777 == 0o600


def test_figures_are_short() -> None:
    assert [duration(each) for each in (None, 5.0, 150.0, 7300.0, 200_000.0)] == [
        "-",
        "5 s",
        "2 min",
        "2 h",
        "2 d",
    ]
    assert (size(2048, "MEMORY_MB"), size(3, "DISK_GB"), size(3, "VCPU")) == ("2.0 GiB", "3 GiB", "3")
    assert words(None) == "nothing"
    assert len(words("x" * 500)) == 120


def test_a_curve_has_steps() -> None:
    made = [{"kind": "decision", "time": at, "size": number} for at, number in ((0.0, 1), (10.0, 2))]
    assert curve(made, 100, 44) == "0.0,22.0 100.0,22.0 100.0,2.0"
    assert curve(made[:1], 100, 44) == ""
