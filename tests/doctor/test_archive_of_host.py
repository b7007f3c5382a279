"""Packages come from where the host's own apt and uv get theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack.host import archive

ONE_LINE = """\
# deb http://old.example/debian bookworm main
deb [arch=amd64] http://mirror.example/debian bookworm main contrib # the mirror
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main
deb http://security.example/debian-security bookworm-security main
deb http://mirror.example/debian bookworm-backports main
deb [signed-by=/usr/share/keyrings/other.gpg] http://other.example/debian bookworm main
deb https://tool.example/apt bookworm main
"""

DEB822 = """\
# Ours
Types: deb deb-src
URIs: http://mirror.example/debian
  http://second.example/debian
Suites: trixie
 trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security/
Suites: trixie-security
Components: main
Check-Valid-Until: no
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: no
URIs: http://mirror.example/off
Suites: trixie
Components: main

Types: deb-src
URIs: http://mirror.example/sources
Suites: trixie
Components: main
"""

THIRD_PARTY = """\
Types: deb
URIs: https://download.example/linux/debian
Suites: bookworm
Components: stable
Signed-By: /etc/apt/keyrings/tool.asc
"""

UBUNTU = """\
Types: deb
URIs: http://archive.example/ubuntu/
Suites: noble noble-updates
Components: main universe
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
"""


def host(root: Path, **files: str) -> Path:
    folder = root / "etc/apt/sources.list.d"
    folder.mkdir(parents=True)
    for name, text in files.items():
        place = root / "etc/apt/sources.list" if name == "main" else folder / name.replace("_", ".")
        place.write_text(text)
    return root


def lines(root: Path, mirror: str | None = None, **environ: str) -> list[str] | None:
    return archive.archive(mirror, root=root, environ=environ)


def test_one_line_style_with_the_suite_of_the_base(tmp_path: Path) -> None:
    assert lines(host(tmp_path, main=ONE_LINE)) == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://security.example/debian-security trixie-security main",
    ]


def test_deb822_style(tmp_path: Path) -> None:
    assert lines(host(tmp_path, debian_sources=DEB822)) == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb [check-valid-until=no] http://mirror.example/debian-security/ trixie-security main",
    ]


def test_others_repositories_are_ignored(tmp_path: Path) -> None:
    root = host(tmp_path, a_sources=THIRD_PARTY, z_sources=DEB822)
    assert (lines(root) or [""])[0] == "deb http://mirror.example/debian trixie main"
    assert lines(host(tmp_path / "b", a_sources=THIRD_PARTY)) is None


def test_files_apt_does_not_read_are_ignored(tmp_path: Path) -> None:
    assert lines(host(tmp_path, debian_sources_disabled=DEB822)) is None


def test_ubuntu_has_no_debian_mirror(tmp_path: Path) -> None:
    assert lines(host(tmp_path, ubuntu_sources=UBUNTU)) is None
    assert lines(tmp_path / "nothing") is None


def test_only_what_the_host_has(tmp_path: Path) -> None:
    root = host(tmp_path, main="deb http://mirror.example/debian bookworm main\n")
    assert lines(root) == ["deb http://mirror.example/debian trixie main"]
    only_security = "deb http://mirror.example/debian-security bookworm-security main\n"
    assert lines(host(tmp_path / "b", main=only_security)) is None


def test_a_list_of_mirrors_in_a_file(tmp_path: Path) -> None:
    text = DEB822.replace("http://mirror.example/debian\n", "mirror+file:///etc/apt/mirrors/debian.list\n", 1)
    root = host(tmp_path, debian_sources=text.replace("  http://second.example/debian\n", ""))
    mirrors = root / "etc/apt/mirrors/debian.list"
    mirrors.parent.mkdir()
    mirrors.write_text("https://near.example/debian\nhttps://far.example/debian\n")
    assert (lines(root) or [""])[0] == "deb https://near.example/debian trixie main"


def test_a_cdrom_is_passed_over(tmp_path: Path) -> None:
    text = "deb cdrom:[Debian 12]/ bookworm main\ndeb http://mirror.example/debian bookworm main\n"
    assert lines(host(tmp_path, main=text)) == ["deb http://mirror.example/debian trixie main"]


@pytest.mark.parametrize("how", ["option", "environment"])
def test_another_mirror_by_option_or_environment(tmp_path: Path, how: str) -> None:
    root, url = host(tmp_path, main=ONE_LINE), "http://mine.example/debian"
    found = lines(root, url) if how == "option" else lines(root, ONESTACK_ARCHIVE=url)
    assert found == [f"deb {url} trixie main", f"deb {url} trixie-updates main"]


def test_whole_deb_lines_are_taken_as_they_are(tmp_path: Path) -> None:
    mine = "deb http://a.example/d trixie main\ndeb http://b.example/s trixie-security main"
    assert lines(tmp_path, mine) == mine.splitlines()


def test_servers_are_named_once() -> None:
    found = archive.servers(
        ["deb http://a/d trixie main", "deb http://a/d x main", "deb [k=v] http://b/s y main"]
    )
    assert found == ["http://a/d", "http://b/s"]


def test_indexes_from_the_environment() -> None:
    environ = {"UV_DEFAULT_INDEX": "http://a.example/simple?x=1", "UV_INDEX": "mine=http://b.example/simple"}
    found = archive.package_indexes(Path("/nowhere"), environ)
    assert found == ["http://a.example/simple?x=1", "http://b.example/simple"]


def test_indexes_from_files(tmp_path: Path) -> None:
    (tmp_path / "etc/uv").mkdir(parents=True)
    (tmp_path / "etc/pip.conf").write_text("[global]\nindex-url = http://pip.example/simple\n")
    assert archive.package_indexes(tmp_path, {}) == ["http://pip.example/simple"]
    (tmp_path / "etc/uv/uv.toml").write_text('[[index]]\nurl = "http://uv.example/simple"\n')
    assert archive.package_indexes(tmp_path, {}) == ["http://uv.example/simple"]
    (tmp_path / "etc/uv/uv.toml").write_text("not = = toml")
    assert archive.package_indexes(tmp_path, {}) == ["http://pip.example/simple"]
    assert archive.package_indexes(tmp_path / "nowhere", {}) == []
