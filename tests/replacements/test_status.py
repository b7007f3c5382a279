"""`onestack status` reads what processes recorded of their replacements."""

from __future__ import annotations

from pathlib import Path

from onestack.health.replacements import Active, Skipped, read
from onestack_runtime.replacements import registry
from onestack_runtime.replacements.entry import Replacement

MATCHING = Replacement("matching", ("json:dumps",), ("nova",), "required", "why", lambda dumps: (dumps,))
CHANGED = Replacement(
    "changed", ("json:loads",), ("nova",), "performance", "why", lambda loads: (loads,), "none"
)


def test_active_and_skipped_entries_are_read(tmp_path: Path) -> None:
    digests = {"json:dumps": registry.source.digest(registry.source.value("json:dumps"))}
    registry.install("nova", [MATCHING, CHANGED], digests, tmp_path / "replacements")
    found = read(tmp_path, ["mariadb", "nova"])
    assert found.active == (Active("nova", "matching", "required", ("json:dumps",)),)
    (skipped,) = found.skipped
    assert (skipped.process, skipped.name, skipped.because) == ("nova", "changed", "digest")
    assert list(found.warnings()) == [
        "nova runs without the replacement changed, which is for speed alone: "
        "OpenStack's code differs from what it was written for"
    ]


def test_an_entry_that_the_spec_disables_causes_no_warning(tmp_path: Path) -> None:
    folder = tmp_path / "replacements"
    folder.mkdir()
    (folder / "nova.json").write_text(
        '{"active": [], "skipped": [{"name": "x", "because": "tuning", "detail": "ONESTACK_TUNING is none"}]}'
    )
    found = read(tmp_path, ["nova", "neutron"])
    assert found.skipped == (Skipped("nova", "x", "tuning", "ONESTACK_TUNING is none"),)
    assert list(found.warnings()) == []


def test_an_incomplete_record_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "replacements").mkdir()
    (tmp_path / "replacements/nova.json").write_text("{")
    assert read(tmp_path, ["nova"]).active == ()
