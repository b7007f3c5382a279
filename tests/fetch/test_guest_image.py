"""Two clouds that are brought up at the same time on a fresh machine build one guest image."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onestack.core.events import silent
from onestack.host import guest
from onestack.platform import fetch


def test_it_is_built_once_and_both_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Path] = []

    def build(base: Path, out: Path) -> None:
        built.append(base)
        time.sleep(0.3)  # the other one comes meanwhile
        out.write_text("a disk")

    monkeypatch.setattr(guest, "build", build)
    with ThreadPoolExecutor() as both:
        found = list(both.map(lambda _: fetch.image(Path("base-1"), tmp_path, silent), range(2)))
    assert built == [Path("base-1")]
    assert found[0] == found[1]
    assert found[0].read_text() == "a disk"
