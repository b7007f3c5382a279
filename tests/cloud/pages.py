"""Listing APIs as a careful client reads them: page by page, by the links that it is handed, and no other way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from openstack.connection import Connection

MICROVERSIONS = {"compute": "2.96", "block-storage": "3.70", "placement": "1.39"}
UPPER_BOUND = 200
"""Pages of one list; a list that goes on for longer goes round in circles."""


@dataclass(frozen=True)
class Listing:
    """`path` is below the service's endpoint, `key` holds the list, `links` its links. `least`: how many at least."""

    service: str
    path: str
    key: str
    ident: str = "id"
    links: str = ""
    least: int = 2

    def __str__(self) -> str:
        return f"{self.service} {self.path}"


@dataclass
class Reader:
    """Asks with a connection's token. `host`, `scheme`: by which the gateway is asked for, if not as it is known."""

    admin: Connection
    host: str = ""
    scheme: str = ""

    def endpoint(self, service: str) -> str:
        """The URL in the catalogue, as seen by this client, without a slash at its end."""
        url = str(self.admin.session.get_endpoint(service_type=service, interface="public"))
        return self._seen(url).rstrip("/")

    def _seen(self, url: str) -> str:
        parts = urlsplit(url)
        return parts._replace(scheme=self.scheme or parts.scheme, netloc=self.host or parts.netloc).geturl()

    def get(self, url: str, service: str = "") -> Any:
        """The answer to a GET of a URL as this client sees it, whatever its status; redirects are not followed."""
        of = "volume" if service == "block-storage" else service
        return self._send("GET", url, f"{of} {MICROVERSIONS[service]}" if service in MICROVERSIONS else "")

    def post(self, url: str, body: Any, version: str = "") -> Any:
        """The answer to a POST."""
        return self._send("POST", url, version, json=body)

    def delete(self, url: str) -> Any:
        """The answer to a DELETE."""
        return self._send("DELETE", url)

    def _send(self, method: str, url: str, version: str = "", **more: Any) -> Any:
        known = urlsplit(str(self.admin.session.get_endpoint(service_type="identity", interface="public")))
        sent = urlsplit(url)
        headers = {"Accept": "application/json"} | ({"OpenStack-API-Version": version} if version else {})
        if self.host:
            # As a client with another name of the gateway, or one before which another proxy ends TLS.
            assert (sent.scheme, sent.netloc) == (self.scheme, self.host), url
            headers |= {"Host": self.host, "X-Forwarded-Proto": self.scheme}
        there = sent._replace(scheme=known.scheme, netloc=known.netloc).geturl()
        return self.admin.session.request(
            there, method, headers=headers, redirect=False, raise_exc=False, **more
        )

    def whole(self, listing: Listing) -> list[str]:
        """The ids of a list that is asked for without a limit."""
        answer = self.get(f"{self.endpoint(listing.service)}/{listing.path}", listing.service)
        assert answer.status_code == 200, (listing, answer.text)
        return [_ident(each, listing.ident) for each in answer.json()[listing.key]]

    def pages(self, listing: Listing) -> Iterator[list[dict[str, Any]]]:
        """The list one by one, each page by the link in the one before."""
        base = self.endpoint(listing.service)
        url: str | None = f"{base}/{listing.path}{'&' if '?' in listing.path else '?'}limit=1"
        for _ in range(UPPER_BOUND):
            answer = self.get(str(url), listing.service)
            assert answer.status_code == 200, (url, answer.status_code, answer.text)
            body = answer.json()
            yield body[listing.key]
            url = _next(body, listing.links or f"{listing.key}_links")
            if url is None:
                return
            if url.startswith("/"):
                # Glance's are below its endpoint, as its API reference says and its clients do.
                url = base + url
            assert url.startswith(f"{base}/"), f"{listing}: a link leads to {url}, not below {base}"
        raise AssertionError(f"{listing}: more than {UPPER_BOUND} pages")


def _next(body: dict[str, Any], name: str) -> str | None:
    """The address of the next page, wherever the service puts it."""
    if isinstance(body.get("next"), str):
        return str(body["next"])
    links = body.get("links")
    if isinstance(links, dict):
        return links.get("next")
    found = [each["href"] for each in body.get(name, ()) if each["rel"] == "next"]
    return found[0] if found else None


def _ident(each: dict[str, Any], ident: str) -> str:
    for word in ident.split("."):
        each = each[word]
    return str(each)


def ids(listing: Listing, page: list[dict[str, Any]]) -> list[str]:
    """The ids on a page."""
    return [_ident(each, listing.ident) for each in page]


def links(body: Any) -> Iterator[tuple[str, str]]:
    """(relation, address) of every link in an answer; documentation's excepted."""
    if isinstance(body, dict):
        if isinstance(body.get("href"), str):
            yield str(body.get("rel", "")), body["href"]
            return
        for name, value in body.items():
            if name in ("self", "next", "previous") and isinstance(value, str):
                yield name, value
            else:
                yield from links(value)
    elif isinstance(body, list):
        for each in body:
            yield from links(each)
