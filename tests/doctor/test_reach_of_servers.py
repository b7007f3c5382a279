"""Servers that packages come from are tried before they are needed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from onestack.host import reach

Asked = list[tuple[str, int]]


def refuse(asked: Asked, *names: str) -> reach.Connect:
    def connect(host: str, port: int, seconds: float) -> None:
        asked.append((host, port))
        if host in names:
            raise ConnectionRefusedError(111, "Connection refused")

    return connect


def test_only_those_that_cannot_be_reached(tmp_path: Path) -> None:
    asked: Asked = []
    urls = ["http://a.example/debian", "https://b.example:8443/simple", "http://a.example/debian"]
    found = reach.unreachable(urls, environ={}, root=tmp_path, connect=refuse(asked, "b.example"))
    assert found == {"https://b.example:8443/simple": "b.example:8443: Connection refused"}
    assert sorted(asked) == [("a.example", 80), ("b.example", 8443)]


def test_a_folder_instead_of_a_server(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    found = reach.unreachable(["file:///there", "file:///gone"], environ={}, root=tmp_path)
    assert found == {"file:///gone": "there is no such folder"}


def test_a_proxy_is_asked_instead(tmp_path: Path) -> None:
    asked: Asked = []
    environ = {"http_proxy": "http://proxy.example:3128", "no_proxy": "local.example"}
    urls = ["http://a.example/", "http://x.local.example/"]
    found = reach.unreachable(urls, environ=environ, root=tmp_path, connect=refuse(asked, "proxy.example"))
    assert found == {"http://a.example/": "the proxy proxy.example:3128: Connection refused"}
    assert ("x.local.example", 80) in asked


def test_apts_own_proxy(tmp_path: Path) -> None:
    folder = tmp_path / "etc/apt/apt.conf.d"
    folder.mkdir(parents=True)
    (folder / "01proxy").write_text('// x\nAcquire::http::Proxy "http://cache.example:3142";\n')
    assert reach.proxy("http://a.example/", {}, tmp_path) == "http://cache.example:3142"
    assert reach.proxy("https://a.example/", {}, tmp_path) is None
    (folder / "01proxy").write_text('Acquire::http::Proxy "DIRECT";\n')
    assert reach.proxy("http://a.example/", {}, tmp_path) is None


@pytest.fixture
def host(tmp_path: Path) -> Path:
    (tmp_path / "etc/apt").mkdir(parents=True)
    (tmp_path / "etc/apt/sources.list").write_text("deb http://user:secret@m.example/debian bookworm main\n")
    return tmp_path


def test_archive_and_index_are_reported_apart_and_without_secrets(host: Path) -> None:
    environ = {"UV_DEFAULT_INDEX": "https://i.example/simple"}
    found = reach.check(root=host, environ=environ, connect=refuse([], "m.example", "i.example"))
    assert [one.summary for one in found] == [
        "the Debian archive cannot be reached",
        "the Python index cannot be reached",
    ]
    assert found[0].detail == "http://m.example/debian: m.example:80: Connection refused"
    assert "--archive" in found[0].hint
    assert {one.severity for one in found} == {"error"}


def test_the_mirror_that_was_asked_for_is_the_one_tried(host: Path) -> None:
    asked: Asked = []
    assert reach.check("http://mine.example/debian", root=host, environ={}, connect=refuse(asked)) == []
    assert asked == [("mine.example", 80)]


def test_on_ubuntu_the_hosts_own_archive_is_tried(tmp_path: Path) -> None:
    (tmp_path / "etc/apt").mkdir(parents=True)
    (tmp_path / "etc/apt/sources.list").write_text("deb http://u.example/ubuntu noble main\n")
    asked: Asked = []
    assert reach.check(root=tmp_path, environ={}, connect=refuse(asked)) == []
    assert asked == [("u.example", 80)]


def test_a_real_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert reach.unreachable([f"http://127.0.0.1:{port}/"], environ={}, root=Path("/nowhere")) == {}
    refused = reach.unreachable([f"http://127.0.0.1:{port}/"], environ={}, root=Path("/nowhere"))
    assert list(refused.values()) == [f"127.0.0.1:{port}: Connection refused"]
