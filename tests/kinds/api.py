"""OpenStack's APIs as an HTTP server on loopback: collections that keep what is sent to them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from keystoneauth1.noauth import NoAuth
from keystoneauth1.session import Session
from openstack.connection import Connection

SERVICES = {
    "identity": "v3.14",
    "network": "v2.0",
    "compute": "v2.1",
    "image": "v2.17",
    "block-storage": "v3.0",
    "load-balancer": "v2.27",
}
"""Types, and the version of each API. Microversions go up to what the kinds ask for."""
_QUOTA = "/quotas"


class Api:
    """`things`: what is there, by collection (`/networks`). `asked`: each call that changes something."""

    def __init__(self, refuse: Callable[[str, str], str | None] = lambda method, path: None) -> None:
        self.things: dict[str, list[dict[str, Any]]] = {"/domains": [{"id": "default", "name": "Default"}]}
        self.asked: list[tuple[str, str]] = []
        self.read: set[str] = set()
        self.refuse = refuse
        self._ids = itertools.count(1)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method != "GET":
            self.asked.append((method, path))
            if why := self.refuse(method, path):
                return 409, {"error": {"message": why}}
        path = path.removesuffix("/detail")
        here, _, ident = path.rpartition("/")
        if path.endswith("/remove_router_interface"):
            self._of("/ports")[:] = [port for port in self._of("/ports") if port["id"] != body["port_id"]]
            return 200, {}
        if here == _QUOTA:
            return self._quota(method, ident, body)
        if path in self.things or here not in self.things:
            return self._collection(method, path, query, body)
        found = next((one for one in self._of(here) if one["id"] == ident), None)
        if found is None:
            return 404, {"error": {"message": f"there is no {path}"}}
        if method == "DELETE":
            self._of(here).remove(found)
            return 204, None
        if body:
            found.update(next(iter(body.values())))
        return 200, {_one(here): found}

    def _of(self, path: str) -> list[dict[str, Any]]:
        return self.things.setdefault(path, [])

    def _collection(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            made = {"id": f"id-{next(self._ids)}", **next(iter(body.values()))}
            self._of(path).append(made)
            return 201, {_one(path): made}
        self.read.add(path)
        listed = self._of(path)
        listed = [one for one in listed if all(one[key] == query[key] for key in query.keys() & one.keys())]
        return 200, {_many(path): listed}

    def _quota(self, method: str, project: str, body: Any) -> tuple[int, Any]:
        kept = next((one for one in self._of(_QUOTA) if one["id"] == project), None)
        if kept is None:
            kept = {"id": project}
            self._of(_QUOTA).append(kept)
        if method == "PUT":
            kept.update(body["quota"])
        return 200, {"quota": kept}


def _many(path: str) -> str:
    return path.rpartition("/")[2].replace("-", "_")


def _one(path: str) -> str:
    plural = _many(path)
    return f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")


def _version(service: str, url: str) -> dict[str, Any]:
    """What its root says."""
    links = [{"rel": "self", "href": url}]
    newest = {"compute": "2.96", "block-storage": "3.70"}.get(service, "")
    return {
        "id": SERVICES[service],
        "status": "CURRENT",
        "links": links,
        "version": newest,
        "min_version": newest and SERVICES[service].removeprefix("v"),
    }


@contextmanager
def served(api: Api) -> Iterator[Connection]:
    """A real connection of openstacksdk's to it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            url = urlsplit(self.path)
            service, _, path = url.path.strip("/").partition("/")
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            known = {"versions": [_version(service, f"{where}/{service}")]}
            status, said = api.answer(self.command, f"/{path}", query, body) if path else (200, known)
            text = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    where = f"http://127.0.0.1:{server.server_port}"
    urls = {f"{name.replace('-', '_')}_endpoint_override": f"{where}/{name}" for name in SERVICES}
    session = Session(auth=NoAuth(endpoint=where))
    try:
        yield Connection(session=session, **urls)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
