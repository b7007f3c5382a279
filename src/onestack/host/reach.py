"""Checks whether the package servers are reachable, before anything is changed, with a short timeout."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from onestack.host import archive
from onestack.language.diagnostics import Diagnostic

SECONDS = 5.0
"""The timeout of a connection to one server, in seconds."""

_PORTS = {"http": 80, "https": 443}

Connect = Callable[[str, int, float], None]
"""(host, port, seconds) -> nothing, or OSError."""


def connect(host: str, port: int, seconds: float) -> None:
    """Resolve a name and open a TCP connection. Raises OSError if that does not work in time."""
    socket.create_connection((host, port), timeout=seconds).close()


def unreachable(
    urls: Iterable[str],
    *,
    environ: Mapping[str, str] = os.environ,
    root: Path = Path("/"),
    connect: Connect = connect,
    seconds: float = SECONDS,
) -> dict[str, str]:
    """The URLs whose server (or the proxy for it) cannot be reached -> why."""
    wanted = list(dict.fromkeys(urls))
    if not wanted:
        return {}

    def one(url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme in ("file", "copy", ""):
            return "" if (root / parts.path.lstrip("/")).exists() else "there is no such folder"
        via = proxy(url, environ, root)
        target = urlsplit(via) if via else parts
        host, port = target.hostname, target.port or _PORTS.get(target.scheme, 80)
        if not host:
            return "it names no server"
        try:
            connect(host, port, seconds)
        except OSError as error:
            return f"{'the proxy ' if via else ''}{host}:{port}: {error.strerror or error}"
        return ""

    with ThreadPoolExecutor(max_workers=min(8, len(wanted))) as pool:
        answers = list(pool.map(one, wanted))
    return {url: why for url, why in zip(wanted, answers, strict=True) if why}


def proxy(url: str, environ: Mapping[str, str] = os.environ, root: Path = Path("/")) -> str | None:
    """The proxy that apt or uv would use for a URL, from the environment or apt's configuration."""
    parts = urlsplit(url)
    names = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    found = next((environ[name] for name in names if environ.get(name)), None)
    if found is None:
        pattern = rf'^\s*Acquire::{parts.scheme}::Proxy\s+"([^"]+)"'
        files = [root / "etc/apt/apt.conf", *sorted((root / "etc/apt/apt.conf.d").glob("*"))]
        texts = (file.read_text(errors="replace") for file in files if file.is_file())
        found = next((match[1] for text in texts if (match := re.search(pattern, text, re.M | re.I))), None)
    excepted = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
    host = parts.hostname or ""
    if found in (None, "DIRECT") or any(_matches(host, name.strip()) for name in excepted):
        return None
    return found if found and "://" in found else f"http://{found}"


def _matches(host: str, name: str) -> bool:
    return bool(name) and (name == "*" or host == name or host.endswith("." + name.lstrip(".")))


def check(
    mirror: str | None = None,
    *,
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    connect: Connect = connect,
) -> list[Diagnostic]:
    """An error for each package server that cannot be reached."""
    debian = archive.servers(archive.archive(mirror, root=root, environ=environ) or [])
    if not debian:
        debian = [uri for entry in archive.entries(root)[:1] for uri in entry.uris[:1]]
    python = archive.package_indexes(root, environ)
    failed = unreachable([*debian, *python], environ=environ, root=root, connect=connect)
    return [
        Diagnostic(
            "error",
            f"{'the Debian archive' if url in debian else 'the Python index'} cannot be reached",
            f"{_without_secrets(url)}: {why}",
            hint=(
                "is the network up? --archive URL names another mirror"
                if url in debian
                else "is the network up? UV_DEFAULT_INDEX names another index"
            ),
        )
        for url, why in failed.items()
    ]


def _without_secrets(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)
