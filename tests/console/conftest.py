"""The console's application with a reader that answers from samples, and a browser without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from console.samples import DATA
from onestack.console import links
from onestack.console.asking import Answer
from onestack.console.http import Request, Response
from onestack.console.web import App
from onestack.core.paths import Paths

PORT = 9470


@dataclass
class Samples:
    """A reader. `problems`: by read, instead of data. `asked`: what it was asked."""

    problems: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def ask(self, read: str, given: dict[str, Any], seconds: float) -> Answer:
        self.asked.append((read, given))
        if read in self.problems:
            return Answer(problem=self.problems[read])
        return Answer(DATA[read.partition(".")[2]])


class Browser:
    """Sends requests as a browser with one cookie does."""

    def __init__(self, app: App, paths: Paths) -> None:
        self.app, self.paths = app, paths
        self.cookies: dict[str, str] = {}

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Response:
        given = {"host": f"127.0.0.1:{PORT}", **headers}
        return self.app.answer(Request(method, path, query or {}, form or {}, self.cookies, given))

    def get(self, path: str, **query: str) -> Response:
        return self.send("GET", path, query)

    def text(self, path: str, **query: str) -> str:
        return self.get(path, **query).body.decode()

    def log_in(self, user: str = "ada") -> Response:
        answer = self.get("/login", token=links.new_link(self.paths, user))
        name, _, rest = answer.headers["Set-Cookie"].partition("=")
        self.cookies[name] = rest.partition(";")[0]
        return answer

    @property
    def csrf(self) -> str:
        return self.text("/").partition('"X-CSRF-Token": "')[2].partition('"')[0]

    def post(self, path: str, **form: str) -> Response:
        return self.send("POST", path, form={"csrf": self.csrf, **form})


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "cache")


@pytest.fixture
def samples() -> Samples:
    return Samples()


@pytest.fixture
def stranger(paths: Paths, samples: Samples) -> Browser:
    """A browser that is not logged in."""
    return Browser(App(paths, samples, PORT, " --root /somewhere"), paths)


@pytest.fixture
def browser(stranger: Browser) -> Browser:
    """A browser that is logged in."""
    stranger.log_in()
    return stranger
