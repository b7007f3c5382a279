"""A cloud as its files are, which nobody brings up."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from onestack.core.paths import Paths
from onestack.platform.choices import Choices
from onestack.platform.site import Site, on_this_host
from onestack.spec import load

CHOICES = Choices("host", "qemu", "netdev", True, "/c/base-1", "/c/env-1", "/c/runtime-1", {})

Make = Callable[..., Site]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def call(text: str = "version: 1\n", **choices: object) -> Site:
        file = tmp_path / "spec.yaml"
        file.write_text(text)
        paths = Paths(tmp_path / "root", tmp_path / "cache")
        paths.etc.mkdir(parents=True, exist_ok=True)
        return on_this_host(paths, load(file), dataclasses.replace(CHOICES, **choices))  # type: ignore[arg-type]

    return call
