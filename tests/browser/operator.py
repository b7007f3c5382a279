"""The operator's console as a process, and its pages as an operator's eyes and hands meet them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from browser.pages import SECONDS
from onestack import Cloud

_SERIOUS = ("serious", "critical")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@dataclass
class Console:
    """A console that runs. `link`: for one login."""

    process: subprocess.Popen[str]
    port: int
    link: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait(30)


@contextmanager
def running(cloud: Cloud) -> Iterator[Console]:
    """A console of a cloud, in the cloud's network, where the browser is."""
    command = [sys.executable, "-m", "onestack.cli", "console", "--root", str(cloud.paths.root)]
    process = subprocess.Popen(
        cloud.network.command([*command, "--port", "0", "--no-browser", "--json"]),
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SUDO_USER": "ada"},
    )
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        yield Console(process, said["port"], said["url"])
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


class Window:
    """A window of an operator who is logged in."""

    def __init__(self, browser: Browser, console: Console, pictures: Path) -> None:
        self._context = browser.new_context(viewport={"width": 1400, "height": 900})
        self._pictures = pictures
        self.console = console
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(SECONDS)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self._heard(said.type, said.text))
        self.page.goto(console.link)
        self.page.wait_for_url(f"{console.address}/")

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)

    def close(self) -> None:
        self._context.close()

    def go(self, path: str) -> None:
        """Open a page, and wait until every part of it is there."""
        self.page.goto(self.console.address + path)
        expect(self.page.locator(".reading")).to_have_count(0)

    def show_as(self, width: int, scheme: Literal["light", "dark"]) -> None:
        """Show what is shown on a screen of that width, in pixels, to somebody who likes it light or dark."""
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)

    def expect_in(self, name: str, *texts: str) -> None:
        """A part comes to say this, by itself."""
        for text in texts:
            expect(self.page.locator(f"#part-{name}")).to_contain_text(text)

    def faults(self) -> list[str]:
        """What axe-core and this test find wrong with what is shown."""
        found = Axe().run(self.page, options=RULES).response["violations"]
        wrong = [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in _SERIOUS]
        wide = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return [*wrong, *self.complaints, *([f"{wide} px too wide"] if wide > 0 else [])]

    def picture(self, name: str) -> None:
        """Keep what is shown among the test's artefacts."""
        self.page.screenshot(path=str(self._pictures / f"console-{name}.png"))
