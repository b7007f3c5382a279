"""Horizon's pages as a user's hands and eyes meet them: what is clicked, what is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import FrameLocator, Locator, Page, expect

from browser.tenants import Tenant

SECONDS = 90_000
BUILD_SECONDS = 240_000
"""Both in milliseconds, with room for a busy machine: for a page or a step; for what is built meanwhile."""


class Dashboard:
    """One browser window of one user."""

    def __init__(self, page: Page, gateway: str, pictures: Path) -> None:
        self.page = page
        self.gateway = gateway
        self._pictures = pictures
        page.set_default_timeout(SECONDS)

    def go(self, path: str) -> None:
        """Open a page below /dashboard/."""
        self.page.goto(f"{self.gateway}/dashboard/{path}", wait_until="load")

    def picture(self, name: str) -> None:
        """Keep what is seen now among the test's artefacts."""
        self.page.screenshot(path=str(self._pictures / f"{name}.png"))

    def log_in(self, tenant: Tenant, password: str | None = None) -> None:
        """Fill in the login page and send it."""
        self.go("auth/login/")
        self.page.fill("#id_username", tenant.name)
        self.page.fill("#id_password", password or tenant.password)
        self.page.fill("#id_domain", tenant.domain)
        self.page.click("#loginBtn")

    def expect_logged_in(self, tenant: Tenant) -> None:
        """The page's head names the user and the project."""
        expect(self.page.locator(".user-name")).to_contain_text(tenant.name, timeout=SECONDS)
        expect(self.page.locator(".context-project")).to_contain_text(tenant.name)

    def log_out(self) -> None:
        self.page.click(".user-menu a.dropdown-toggle")
        self.page.get_by_role("button", name="Sign Out").click()
        expect(self.page.locator("#loginBtn")).to_be_visible()

    def row(self, text: str) -> Locator:
        """The row of a table that shows `text`."""
        return self.page.locator("tbody tr", has_text=text).first

    def act(self, row: Locator, action: str) -> None:
        """Choose an action of a row by Horizon's name for it; some are in its menu."""
        button = row.locator(f"[id$='__action_{action}']")
        if not button.is_visible():
            row.locator("a.dropdown-toggle, button.dropdown-toggle").first.click()
        button.click()

    def done(self) -> None:
        """Wait until a dialog was sent and has gone; what it says when it did not go is the failure's text."""
        expect(self.page.locator(".modal-dialog")).to_have_count(0, timeout=SECONDS)

    def send(self, button: str) -> None:
        """Press the button of the dialog that is open."""
        self.page.locator(".modal-dialog").last.locator(".btn-primary", has_text=button).last.click()

    def expect_in_row(self, name: str, text: str, seconds: int = BUILD_SECONDS) -> None:
        """The row of `name` comes to say `text`, by itself: the page asks again while something is under way."""
        expect(self.row(name)).to_contain_text(text, timeout=seconds)

    def launch(self, name: str, image: str, flavor: str, network: str) -> None:
        """Launch Instance, from its first to its last page."""
        page = self.page
        self.go("project/instances/")
        page.click("#instances__action_launch-ng")
        page.fill("input#name", name)
        self._step("Source")
        self._take(image)
        self._step("Flavor")
        self._take(flavor)
        self._step("Networks")
        # The only network is chosen already.
        if not page.locator(".transfer-allocated tr", has_text=network).is_visible():
            self._take(network)
        page.click("wizard button.finish, .wizard button.btn-primary.finish")
        self.done()

    def give_floating_ip(self, name: str) -> str:
        """Have one allocated and associated with a server, in the two dialogs that are for that; the address."""
        self.act(self.row(name), "associate")
        self.page.click(".modal-dialog a.ajax-add")
        self.send("Allocate IP")
        chosen = self.page.locator("select#id_ip_id option:checked")
        expect(chosen).to_contain_text(".", timeout=SECONDS)
        address = chosen.inner_text().strip()
        self.send("Associate")
        self.done()
        return address

    def console(self, name: str) -> tuple[str, FrameLocator]:
        """Open a server's page at its console: the server's id, and noVNC's frame."""
        self.row(name).get_by_role("link", name=name).click()
        self.page.wait_for_url(re.compile(r"/project/instances/[0-9a-f-]{36}/"))
        server = self.page.url.rstrip("/").rpartition("/")[2]
        self.page.locator(".nav-tabs a", has_text="Console").click()
        return server, self.page.frame_locator("#console_embed")

    def create_volume(self, name: str) -> None:
        """One GiB, empty."""
        self.go("project/volumes/")
        self.page.click("#volumes__action_create")
        self.page.fill("#id_name", name)
        self.send("Create Volume")
        self.done()

    def attach_volume(self, server: str, volume: str) -> None:
        """From the server's menu."""
        self.go("project/instances/")
        self.act(self.row(server), "attach_volume")
        self._choose("id_volume", volume)
        self.send("Attach Volume")
        self.done()

    def create_balancer(self, name: str, subnet: str, members: Sequence[str]) -> None:
        """A balancer with an HTTP listener, a pool with these servers at port 80, and a monitor."""
        page = self.page
        self.go("project/load_balancer/")
        page.get_by_role("button", name="Create Load Balancer").click()
        page.fill("input#name:visible", name)
        field = page.locator(".form-group:visible", has=page.get_by_text("Subnet", exact=True)).last
        field.locator("filter-select .dropdown-toggle, filter-select button").first.click()
        field.locator("tbody tr", has_text=subnet).first.click()
        self._step("Listener Details")
        page.select_option("select#protocol:visible", label="HTTP")
        page.fill("input#port:visible", "80")
        self._step("Pool Details")
        page.select_option("select#method:visible", label="Round Robin")
        self._step("Pool Members")
        for count, member in enumerate(members, 1):
            cell = page.get_by_role("cell", name=member, exact=True)
            page.locator(".transfer-available:visible tr", has=cell).get_by_role("button", name="Add").click()
            # What is chosen is shown by its address.
            chosen = page.locator(".transfer-allocated:visible").get_by_role("button", name="Remove")
            expect(chosen).to_have_count(count)
        for port in page.locator(
            ".transfer-allocated:visible input[name$='-port']:not([name$='-monitor-port'])"
        ).all():
            port.fill("80")
        self._step("Monitor Details")
        page.select_option("select#type:visible", label="HTTP")
        page.locator("button.finish").click()
        self.done()

    def _choose(self, field: str, text: str) -> None:
        """Choose from one of Horizon's own lists, behind which the browser's hides."""
        box = self.page.locator(f".themable-select:has(select#{field})")
        box.locator(".dropdown-toggle").click()
        box.locator("li a", has_text=text).click()

    def _step(self, name: str) -> None:
        self.page.locator(".wizard-nav, .wizard .nav").get_by_text(re.compile(rf"^\s*{name}")).first.click()

    def _take(self, text: str) -> None:
        row = self.page.locator(".transfer-available:visible tr", has_text=text).first
        row.locator("button:visible, .btn:visible").last.click()
        expect(self.page.locator(".transfer-allocated:visible tr", has_text=text).first).to_be_visible()
