"""Finds the Debian and Python package sources that this machine is configured to use.

No server is named in this code. The base is always Debian 13: if the host runs Debian, its mirrors are used with the
base's suite; otherwise mmdebstrap uses its default.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SUITE = "trixie"
CODENAMES = ("bullseye", "bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable", "oldstable")

# What may follow a codename in a suite's name. Debian 10 and older used /updates.
_KINDS = {"": "", "-updates": "-updates", "-security": "-security", "/updates": "-security"}


@dataclass(frozen=True)
class Entry:
    """One source of packages in apt's configuration."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""
    expires: bool = True
    """Whether apt checks the expiry date of the archive's index; for snapshots the check must be off."""


def archive(
    mirror: str | None = None, *, root: Path = Path("/"), environ: Mapping[str, str] = os.environ
) -> list[str] | None:
    """The deb lines for the base; None: mmdebstrap chooses.

    `mirror` (else ONESTACK_ARCHIVE) is a Debian mirror's URL, or complete deb lines separated by newlines.
    """
    wanted = mirror or environ.get("ONESTACK_ARCHIVE")
    if wanted:
        lines = [line.strip() for line in wanted.splitlines() if line.strip()]
        if all(line.startswith("deb ") for line in lines):
            return lines
        return [f"deb {wanted.strip()} {SUITE}{kind} main" for kind in ("", "-updates")]
    return deb_lines(entries(root), root)


def entries(root: Path = Path("/")) -> list[Entry]:
    """All enabled sources of binary packages in apt's configuration below `root`."""
    apt = root / "etc/apt"
    found: list[Entry] = []
    for file in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if file.suffix == ".list" and file.is_file():
            found += one_line_style(file.read_text(errors="replace"))
        elif file.suffix == ".sources" and file.is_file():
            found += deb822_style(file.read_text(errors="replace"))
    return found


def one_line_style(text: str) -> Iterator[Entry]:
    """The entries of a sources.list: `deb [options] URI suite component ...`."""
    for raw in text.splitlines():
        match = re.fullmatch(r"deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)", raw.partition("#")[0].strip())
        if match:
            options = dict(word.partition("=")[::2] for word in (match[1] or "").split())
            expires = options.get("check-valid-until", "yes").lower() not in ("no", "false")
            components = tuple(match[4].split())
            yield Entry((match[2],), (match[3],), components, options.get("signed-by", ""), expires)


def deb822_style(text: str) -> Iterator[Entry]:
    """The entries of a .sources file: paragraphs of `Key: value`; a line that begins with a blank
    is a continuation."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in " \t" and key:
                fields[key] += " " + line.strip()
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        yield Entry(
            tuple(fields.get("uris", "").split()),
            tuple(fields.get("suites", "").split()),
            tuple(fields.get("components", "").split()),
            fields.get("signed-by", ""),
            fields.get("check-valid-until", "yes").lower() not in ("no", "false"),
        )


def deb_lines(found: Iterable[Entry], root: Path = Path("/")) -> list[str] | None:
    """The base's suite, its updates and security updates, from the Debian mirrors among the entries.

    The first mirror for each; None if no entry has the suite itself.
    """
    lines: dict[str, str] = {}
    for entry in found:
        if not _is_debian(entry):
            continue
        for suite in entry.suites:
            kind = _kind(suite)
            uri = next(filter(None, (_resolved(uri, root) for uri in entry.uris)), None)
            if kind is not None and uri:
                option = "" if entry.expires else "[check-valid-until=no] "
                lines.setdefault(kind, f"deb {option}{uri} {SUITE}{kind} main")
    return [lines[kind] for kind in ("", "-updates", "-security") if kind in lines] if "" in lines else None


def servers(lines: Iterable[str]) -> list[str]:
    """The distinct URLs of deb lines."""
    return list(dict.fromkeys(entry.uris[0] for line in lines for entry in one_line_style(line)))


def package_indexes(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> list[str]:
    """The URLs of the Python indexes that uv is configured with; empty if it uses its default."""
    named = " ".join(environ.get(key, "") for key in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX"))
    if urls := [re.sub(r"^[\w-]+=", "", word) for word in named.split()]:
        return urls
    home = root / environ.get("HOME", "/root").lstrip("/")
    for file in (home / ".config/uv/uv.toml", root / "etc/uv/uv.toml"):
        if urls := _uv_urls(file):
            return urls
    for file in (home / ".config/pip/pip.conf", home / ".pip/pip.conf", root / "etc/pip.conf"):
        if urls := _pip_urls(file):
            return urls
    return []


def _uv_urls(file: Path) -> list[str]:
    try:
        configured = tomllib.loads(file.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return []
    pip = configured.get("pip", {})
    given = [
        configured.get("index-url"),
        pip.get("index-url"),
        *(one.get("url") for one in configured.get("index", [])),
    ]
    return [str(url) for url in given if url]


def _pip_urls(file: Path) -> list[str]:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(file.read_text())
    except (OSError, ConfigError):
        return []
    return parser.get("global", "index-url", fallback="").split()


def _kind(suite: str) -> str | None:
    for codename in CODENAMES:
        if suite.startswith(codename):
            return _KINDS.get(suite.removeprefix(codename).rstrip("/") or "")
    return None


def _is_debian(entry: Entry) -> bool:
    """Whether it is Debian itself: other archives use Debian's codenames too, but have their own
    keys or components."""
    if "main" not in entry.components:
        return False
    if entry.signed_by:
        return "debian-archive" in entry.signed_by
    return any("debian" in uri.lower() for uri in entry.uris)


def _resolved(uri: str, root: Path) -> str | None:
    """The URI itself; for a mirror list in a file, its first entry; None for other transports."""
    if uri.startswith(("mirror+file:", "mirror:file:")):
        listed = root / urlsplit(uri.split(":", 1)[1]).path.lstrip("/")
        words = listed.read_text().split() if listed.is_file() else []
        return next((word for word in words if word.startswith(("http:", "https:"))), None)
    return uri if uri.startswith(("http:", "https:", "file:", "copy:")) else None
