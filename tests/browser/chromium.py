"""A real Chromium, and the cloud's network for it to run in.

The driver (playwright) is pinned in the lock; it fetches no browser. Debian's own is used, and installed
where it is missing. Ubuntu's package is a snap, which can be neither installed here nor put into a network
namespace: there, ONESTACK_CHROMIUM names the program of a Chrome or Chromium of any other kind.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

from onestack import Cloud
from onestack.host import base

GIVEN = "ONESTACK_CHROMIUM"
_NAMES = ("chromium", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    # The tests are root's, as the clouds are; and what is looked at is ours.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # No look at the Internet, which the cloud's network does not reach.
    "--disable-background-networking",
    "--no-proxy-server",
)


def program() -> str:
    """The browser's path; installed first where that is possible. Ends the test where it is not."""
    if given := os.environ.get(GIVEN):
        return given
    if found := next(filter(None, map(shutil.which, _NAMES)), None):
        return found
    if platform.freedesktop_os_release()["ID"] != "debian":
        pytest.fail(f"no Chromium here: install one that is no snap, and name it in {GIVEN}", pytrace=False)
    base.install_packages(["chromium"])
    return shutil.which("chromium") or pytest.fail("the package chromium holds no such program")


@contextmanager
def running(cloud: Cloud) -> Iterator[Browser]:
    """A browser whose every connection starts in the cloud's network."""
    place = program()
    # What is started meanwhile stays in that network: the driver, and by it the browser.
    with cloud.network.entered():
        player = sync_playwright().start()
        browser = player.chromium.launch(executable_path=place, args=list(ARGUMENTS))
    try:
        yield browser
    finally:
        browser.close()
        player.stop()
