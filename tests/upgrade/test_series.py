"""The runtime knows by Nova's version which series is installed, and what that series has otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from onestack.core import data
from onestack_runtime import series
from onestack_runtime.replacements import registry
from onestack_runtime.replacements.digests import DIGESTS
from onestack_runtime.replacements.entry import Replacement

MODULES = sorted(Path(series.__file__).parent.glob("v*.py"))


@pytest.mark.parametrize(
    ("nova", "name"),
    [("33.0.2", "2026.1"), ("34.0.0", "2026.2"), ("35.0.0.0rc1", "2027.1"), ("36.1.0", "2027.2")],
)
def test_a_series_is_known_by_novas_version(nova: str, name: str) -> None:
    assert series.named(nova) == name


@pytest.mark.parametrize("name", data.releases())
def test_the_lock_of_a_series_has_that_nova(name: str) -> None:
    lock = (data.release(name) / "requirements.txt").read_text()
    (nova,) = (line.split()[0].partition("==")[2] for line in lock.splitlines() if line.startswith("nova=="))
    assert series.named(nova) == name


def test_the_newest_series_differs_in_nothing() -> None:
    newest = data.releases()[-1]
    assert series.of(newest) == series.Series(newest)


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.stem)
def test_what_differs_is_of_replacements_that_there_are(module: Path) -> None:
    name = module.stem.removeprefix("v").replace("_", ".")
    found = series.of(name)
    assert found.name == name and name in data.releases()
    assert {*found.digests} <= {*DIGESTS}
    assert all(DIGESTS[target] != digest for target, digest in found.digests.items())
    assert {*found.off} <= {each.name for each in registry.ALL}


def test_a_replacement_that_is_off_in_a_series_is_skipped_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(original: object) -> tuple[object, ...]:
        raise AssertionError("it is off")

    entry = Replacement("one", ("json:dumps",), ("nova",), "required", "for a test", never)
    digests: Mapping[str, str] = {}
    monkeypatch.setattr(series, "here", lambda: series.Series("2026.1", off={"one": "not for this series"}))
    assert registry.install("nova", [entry], digests, tmp_path) == frozenset()
    note = (tmp_path / "nova.json").read_text()
    assert '"because": "series"' in note and "not for this series" in note
