"""What an image is made of is fetched whole, or not at all, and what went wrong is said."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from onestack.core.errors import BadInput, OneStackError, Place, TemporaryError
from onestack.workloads.openstack import download

DISK = bytes(range(256)) * 5000
PLACE = Place("cloud.yaml", 7, 3)


class Mirror(BaseHTTPRequestHandler):
    """Answers by the path: /whole, /short (breaks off), /empty, and any number as a status."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        body = b"" if name == "empty" else DISK
        self.send_response(int(name) if name.isdigit() else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1000] if name == "short" else body)

    def log_message(self, format: str, *args: object) -> None:
        return None


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def sum_of(method: str) -> str:
    return f"{method}:{hashlib.new(method, DISK).hexdigest()}"


@pytest.mark.parametrize("checksum", [None, *map(sum_of, ("sha256", "sha512", "md5")), sum_of("md5").upper()])
def test_it_is_there_whole(mirror: str, checksum: str | None) -> None:
    checksum = checksum and checksum.replace("MD5", "md5")
    with download.content(f"{mirror}/whole", checksum, PLACE) as file:
        assert file.read() == DISK


def test_a_file_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(DISK)
    with download.content((tmp_path / "disk").as_uri(), sum_of("sha256"), PLACE) as file:
        assert file.read() == DISK


@pytest.mark.parametrize(
    ("path", "checksum", "kind", "says"),
    [
        ("404", None, BadInput, "responds with 404"),
        ("403", None, BadInput, "responds with 403"),
        ("503", None, TemporaryError, "responds with 503"),
        ("short", None, TemporaryError, "ended after 1000 of 1280000 bytes"),
        ("empty", None, BadInput, "is empty"),
        ("whole", "sha256:" + "0" * 64, BadInput, f"its sha256 is {hashlib.sha256(DISK).hexdigest()}"),
    ],
)
def test_what_is_wrong_is_said(
    mirror: str, path: str, checksum: str | None, kind: type[OneStackError], says: str
) -> None:
    with pytest.raises(kind) as caught, download.content(f"{mirror}/{path}", checksum, PLACE):
        pass
    assert says in caught.value.summary
    assert f"{mirror}/{path}" in caught.value.summary
    assert "cloud.yaml:7" in str(caught.value.where)


def test_nobody_answers_may_pass() -> None:
    with (
        pytest.raises(TemporaryError, match="cannot be fetched"),
        download.content("http://127.0.0.1:9/", None, PLACE),
    ):
        pass


def test_no_such_file(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match="cannot be read"),
        download.content((tmp_path / "no").as_uri(), None, PLACE),
    ):
        pass
