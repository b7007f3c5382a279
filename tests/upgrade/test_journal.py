"""The journal says which step is next, after whatever cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.health.upgrade import journal
from onestack.health.upgrade.journal import BACK, FORWARD, Journal


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.at(tmp_path, tmp_path / "cache")


def test_there_is_none_where_none_was_begun(paths: Paths) -> None:
    assert journal.load(paths) is None


@pytest.mark.parametrize("number", range(len(FORWARD)))
def test_it_goes_on_with_the_first_step_that_is_not_done(paths: Paths, number: int) -> None:
    begun = Journal("2026.1", "2026.2")
    for name in FORWARD[:number]:
        begun = begun.with_done(name)
    journal.save(paths, begun)
    found = journal.load(paths)
    assert found is not None and found == begun
    assert found.next == FORWARD[number]
    assert FORWARD[number] in found.state


def test_all_steps_done_waits_for_its_end() -> None:
    done = Journal("2026.1", "2026.2", done=FORWARD)
    assert done.next is None
    assert done.state == "waits for commit or rollback"


def test_only_the_steps_from_switch_on_change_what_serves() -> None:
    begun = Journal("2026.1", "2026.2")
    states = []
    for name in FORWARD:
        states.append(begun.switched)
        begun = begun.with_done(name)
    assert dict(zip(FORWARD, states, strict=True)) == {
        "fetch": False,
        "snapshot": False,
        "expand": False,
        "switch": True,
        "exchange": True,
        "read": True,
    }


def test_on_the_way_back_it_has_other_steps_and_says_why() -> None:
    back = Journal("2026.1", "2026.2", done=FORWARD[:5]).turned("Nova did not start", "packages")
    assert (back.next, back.why, back.by, back.switched) == (BACK[0], "Nova did not start", "packages", False)
    assert "on the way back" in back.state


def test_an_unreadable_one_is_an_error_and_not_none(paths: Paths) -> None:
    journal.save(paths, Journal("2026.1", "2026.2"))
    (journal.folder(paths) / "journal.json").write_text("{}")
    with pytest.raises(PermanentError, match="cannot be read"):
        journal.load(paths)


def test_what_was_removed_is_none(paths: Paths) -> None:
    journal.save(paths, Journal("2026.1", "2026.2"))
    journal.remove(paths)
    assert journal.load(paths) is None
    assert not journal.folder(paths).exists()
