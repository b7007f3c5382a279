"""What processes noted of their replacements is told by `status`."""

from __future__ import annotations

from pathlib import Path

from onestack.health.replacements import Active, Skipped, read
from onestack_runtime.replacements import registry
from onestack_runtime.replacements.entry import Replacement

FITS = Replacement("fits", ("json:dumps",), ("nova",), "required", "why", lambda dumps: (dumps,))
NOT = Replacement(
    "does-not", ("json:loads",), ("nova",), "performance", "why", lambda loads: (loads,), "none"
)


def test_what_is_active_and_what_was_skipped_is_read_as_it_was_noted(tmp_path: Path) -> None:
    fitting = {"json:dumps": registry.source.digest(registry.source.value("json:dumps"))}
    registry.install("nova", [FITS, NOT], fitting, tmp_path / "replacements")
    found = read(tmp_path, ["mariadb", "nova"])
    assert found.active == (Active("nova", "fits", "required", ("json:dumps",)),)
    (skipped,) = found.skipped
    assert (skipped.process, skipped.name, skipped.because) == ("nova", "does-not", "digest")
    assert list(found.warnings()) == [
        "nova runs without the replacement does-not, which is for speed alone: "
        "OpenStack's code differs from what it was written for"
    ]


def test_what_the_spec_wants_left_out_is_no_warning(tmp_path: Path) -> None:
    folder = tmp_path / "replacements"
    folder.mkdir()
    (folder / "nova.json").write_text(
        '{"active": [], "skipped": [{"name": "x", "because": "tuning", "detail": "ONESTACK_TUNING is none"}]}'
    )
    found = read(tmp_path, ["nova", "neutron"])
    assert found.skipped == (Skipped("nova", "x", "tuning", "ONESTACK_TUNING is none"),)
    assert list(found.warnings()) == []


def test_a_process_that_noted_nothing_whole_has_none(tmp_path: Path) -> None:
    (tmp_path / "replacements").mkdir()
    (tmp_path / "replacements/nova.json").write_text("{")
    assert read(tmp_path, ["nova"]).active == ()
