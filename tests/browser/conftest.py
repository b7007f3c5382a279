"""A browser in the cloud's network, a window for each test, pictures of what it saw last."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import chromium
from browser.pages import SECONDS, Dashboard
from browser.tenants import Tenant, create, furnish
from onestack import Cloud

PICTURES = Path(__file__).parents[2] / "build/browser"
"""Where pictures are kept; git ignores it."""


@pytest.fixture(scope="session")
def pictures() -> Path:
    """An empty folder for pictures."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    return PICTURES


@pytest.fixture(scope="session")
def browser(cloud: Cloud) -> Iterator[Browser]:
    """One browser for the session."""
    expect.set_options(timeout=SECONDS)
    with chromium.running(cloud) as found:
        yield found


@pytest.fixture
def window(
    browser: Browser, cloud: Cloud, pictures: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Dashboard]]:
    """Opens windows, each with cookies of its own. The last one's last look is kept."""
    opened: list[Page] = []

    def open_one() -> Dashboard:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.append(page)
        return Dashboard(page, cloud.site.gateway, pictures)

    yield open_one
    for number, page in enumerate(opened):
        page.screenshot(path=str(pictures / f"{request.node.name}-{number}-end.png"))
        page.context.close()


@pytest.fixture(scope="session")
def tenant(cloud: Cloud) -> Tenant:
    """A tenant with a network."""
    found = create(cloud, "browser-a")
    furnish(cloud, found)
    return found


@pytest.fixture(scope="session")
def other(cloud: Cloud) -> Tenant:
    """Another tenant, in a domain of its own."""
    return create(cloud, "browser-b", domain="elsewhere")
