"""A volume's files after a crash at any moment: which is active, what the info file must say, what is unused."""

from __future__ import annotations

import pytest

from onestack.health.volumes.chain import Repair, examine

V = "volume-1"
S1, S2, S3 = f"{V}.s1", f"{V}.s2", f"{V}.s3"


@pytest.mark.parametrize(
    ("files", "info", "in_use"),
    [
        ({V: None}, {}, None),
        ({V: None}, {"active": V}, None),
        ({V: None, S1: V}, {"active": S1, "s1": S1}, None),
        ({V: None, S1: V, S2: S1}, {"active": S2, "s1": S1, "s2": S2}, S2),
        # The first snapshot was deleted while a guest ran: its file was merged with its backing file.
        ({S1: None}, {"active": S1}, S1),
        ({V: None, S2: V}, {"active": S2, "s2": S2}, None),
    ],
)
def test_a_whole_volume_needs_nothing(
    files: dict[str, str | None], info: dict[str, str], in_use: str | None
) -> None:
    repair = examine(V, files, info, in_use)
    assert not repair.needed
    assert repair.active == (info or {"active": V})["active"]


def test_a_snapshot_that_no_guest_came_to_use_leaves_a_useless_file() -> None:
    assert examine(V, {V: None, S1: V}, {}, V) == Repair(V, unused=(S1,))
    assert examine(V, {V: None, S1: V, S2: S1}, {"active": S1, "s1": S1}) == Repair(S1, unused=(S2,))


def test_a_snapshot_that_a_guest_uses_is_noted() -> None:
    """The crash came after QEMU went on in the new file, before the info file was written: the guest is right."""
    assert examine(V, {V: None, S1: V}, {}, S1) == Repair(S1, {"active": S1, "s1": S1})
    named = {"active": S1, "s1": S1}
    assert examine(V, {V: None, S1: V, S2: S1}, named, S2).info == {**named, "active": S2, "s2": S2}


def test_a_file_that_was_merged_downwards_and_removed_is_forgotten() -> None:
    assert examine(V, {V: None}, {"active": S1, "s1": S1}) == Repair(V, {"active": V})
    named = {"active": S2, "s1": S1, "s2": S2}
    assert examine(V, {V: None, S1: V}, named) == Repair(S1, {"active": S1, "s1": S1})


def test_a_file_in_the_middle_that_was_merged_and_removed_is_bridged() -> None:
    """qemu-img wrote S1 into V and S1 is gone; S2 still has it for its backing file."""
    named = {"active": S2, "s1": S1, "s2": S2}
    repair = examine(V, {V: None, S2: S1}, named)
    assert repair == Repair(S2, {"active": S2, "s2": S2}, {S2: V})


def test_a_file_that_was_taken_in_while_a_guest_ran_is_set_aside() -> None:
    repair = examine(V, {V: None, S1: None}, {"active": S1, "s1": S1}, S1)
    assert repair == Repair(S1, {"active": S1}, unused=(V,))


def test_a_merge_that_did_not_end_changes_nothing() -> None:
    named = {"active": S3, "s1": S1, "s2": S2, "s3": S3}
    assert not examine(V, {V: None, S1: V, S2: S1, S3: S2}, named, S3).needed


def test_what_cannot_be_known_is_said() -> None:
    assert examine(V, {}, {}).lost == "its files are gone"
    assert "is gone" in examine(V, {S1: V}, {"active": S1}).lost
    assert "several files" in examine(V, {S1: None, S2: None}, {}).lost
