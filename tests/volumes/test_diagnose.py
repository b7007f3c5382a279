"""Which volumes are inconsistent, and what repairs them: from what Cinder, Nova, libvirt and the disk say."""

from __future__ import annotations

from dataclasses import replace

from onestack.health.volumes.diagnose import GIB, Fault, diagnose
from onestack.health.volumes.observation import Copy, Folder, Guest, Observation, Volume

FILE = "volume-v"
VOLUME = Volume("v", "data", "available", 1, FILE, "file")
ATTACHED = replace(VOLUME, status="in-use", attachments={"a": "srv"})
GUEST = Guest("srv", True, {"v": ("vdb", FILE)})


def observed(
    volume: Volume | None = VOLUME,
    *,
    files: dict[str, tuple[str | None, int]] | None = None,
    info: dict[str, str] | None = None,
    guest: Guest | None = None,
    nova: bool = False,
    snapshots: tuple[Copy, ...] = (),
    backups: tuple[Copy, ...] = (),
    busy: frozenset[str] = frozenset(),
    interrupted: bool | None = None,
) -> Observation:
    found = {FILE: (None, GIB)} if files is None else files
    return Observation(
        volumes=(volume,) if volume else (),
        snapshots=snapshots,
        backups=backups,
        servers={"srv": frozenset("v" if nova else ())},
        busy=busy,
        unfinished={} if interrupted is None else {("srv", "v"): interrupted},
        guests={"srv": guest} if guest else {},
        folders={"file": Folder("/f", found, {FILE: info} if info else {})},
    )


def told(found: Observation) -> list[tuple[str, list[str]]]:
    return [(fault.what, [action.name for action in fault.then]) for fault in diagnose(found)]


def only(found: Observation) -> Fault:
    (fault,) = diagnose(found)
    return fault


def words(fault: Fault) -> list[tuple[str, dict[str, object]]]:
    return [(action.name, action.arguments) for action in fault.then]


def test_consistent_volumes_are_left_alone() -> None:
    assert diagnose(observed()) == []
    assert diagnose(observed(ATTACHED, guest=GUEST, nova=True)) == []
    # Its server is shut off: there is no disk in a running guest, and that is right.
    assert diagnose(observed(ATTACHED, guest=Guest("srv", False), nova=True)) == []


def test_work_that_goes_on_is_left_alone() -> None:
    for status in ("creating", "deleting", "attaching", "detaching", "extending", "backing-up", "uploading"):
        assert diagnose(observed(replace(VOLUME, status=status))) == [], status
    copy = Copy("s", "snap", "creating", "v")
    files: dict[str, tuple[str | None, int]] = {FILE: (None, GIB), f"{FILE}.s": (FILE, GIB)}
    assert diagnose(observed(files=files, snapshots=(copy,))) == []
    moved = observed(replace(ATTACHED, attachments={}), guest=GUEST, busy=frozenset({"srv"}), nova=True)
    assert diagnose(moved) == []


def test_what_was_interrupted_is_ended() -> None:
    stale = replace(VOLUME, stale=True)
    made = words(only(observed(replace(stale, status="creating"), files={})))
    assert made == [("set_volume", {"status": "error"})]
    deleted = words(only(observed(replace(stale, status="deleting"))))
    assert deleted == [("set_volume", {"status": "error"}), ("delete_volume", {})]
    for status in ("backing-up", "uploading", "retyping", "extending"):
        assert words(only(observed(replace(stale, status=status)))) == [
            ("set_volume", {"status": "available"})
        ]
    filled = only(observed(replace(stale, status="restoring-backup")))
    assert words(filled) == [("set_volume", {"status": "error"})]


def test_an_attachment_that_only_cinder_knows_is_ended() -> None:
    fault = only(observed(replace(ATTACHED, status="attaching", stale=True)))
    assert words(fault) == [("set_volume", {"status": "available"})]
    assert words(only(observed(ATTACHED))) == [("set_volume", {"status": "available"})]


def test_a_disk_that_only_the_guest_has_is_taken_from_it() -> None:
    fault = only(observed(guest=GUEST))
    assert words(fault) == [
        ("take_from_guest", {"server": "srv", "disk": "vdb"}),
        ("set_volume", {"status": "available"}),
    ]


def test_an_attachment_that_never_reached_the_guest_is_ended_by_nova() -> None:
    half = replace(ATTACHED, status="attaching", stale=True)
    fault = only(observed(half, guest=Guest("srv", True), nova=True))
    assert words(fault) == [("set_volume", {"status": "in-use"}), ("detach", {"server": "srv"})]


def test_an_attachment_that_nova_never_noted_whole_is_forgotten_by_it() -> None:
    forgotten = [("forget", {"server": "srv"}), ("set_volume", {"status": "available"})]
    running = Guest("srv", True)
    # Before Cinder was asked, after it was, and when the guest had it already.
    assert words(only(observed(guest=running, nova=True, interrupted=True))) == forgotten
    half = replace(ATTACHED, status="attaching", stale=True)
    assert words(only(observed(half, guest=running, nova=True, interrupted=True))) == forgotten
    taken = ("take_from_guest", {"server": "srv", "disk": "vdb"})
    assert words(only(observed(half, guest=GUEST, nova=True, interrupted=True))) == [taken, *forgotten]


def test_an_attachment_that_nova_is_at_work_on_is_left_alone() -> None:
    assert diagnose(observed(guest=Guest("srv", True), nova=True, interrupted=False)) == []


def test_an_attachment_that_is_whole_is_said_so() -> None:
    for status in ("attaching", "detaching"):
        half = replace(ATTACHED, status=status, stale=True)
        assert words(only(observed(half, guest=GUEST, nova=True))) == [("set_volume", {"status": "in-use"})]


def test_a_file_smaller_or_larger_than_promised() -> None:
    large = replace(ATTACHED, size=2)
    grown = words(only(observed(large, guest=GUEST, nova=True)))
    assert grown == [
        ("grow", {"folder": "/f", "file": FILE, "size": 2, "server": "srv", "disk": "vdb"}),
    ]
    assert words(only(observed(replace(VOLUME, size=2))))[0][1].get("server") is None
    assert words(only(observed(files={FILE: (None, 3 * GIB)}))) == [("extend", {"size": 3})]


def test_the_note_is_written_before_the_snapshot_is_diagnosed() -> None:
    files: dict[str, tuple[str | None, int]] = {FILE: (None, GIB), f"{FILE}.s": (FILE, GIB)}
    copy = Copy("s", "snap", "creating", "v", stale=True)
    uses = Guest("srv", True, {"v": ("vdb", f"{FILE}.s")})
    first, second = diagnose(observed(ATTACHED, files=files, guest=uses, nova=True, snapshots=(copy,)))
    assert [action.name for action in first.then] == ["write_info"]
    assert words(second) == [("set_snapshot", {"status": "available"})]
    first, second = diagnose(observed(ATTACHED, files=files, guest=GUEST, nova=True, snapshots=(copy,)))
    assert words(first) == [("set_aside", {"folder": "/f", "file": f"{FILE}.s"})]
    assert words(second) == [("set_snapshot", {"status": "error"})]


def test_deletions_of_snapshots_and_backups_are_done_again() -> None:
    files: dict[str, tuple[str | None, int]] = {FILE: (None, GIB), f"{FILE}.s": (FILE, GIB)}
    info = {"active": f"{FILE}.s", "s": f"{FILE}.s"}
    copy = Copy("s", "snap", "deleting", "v", stale=True)
    assert told(observed(files=files, info=info, snapshots=(copy,))) == [
        ("its deletion was interrupted", ["set_snapshot", "delete_snapshot"])
    ]
    cut = {
        "creating": ["set_backup"],
        "restoring": ["set_backup"],
        "deleting": ["set_backup", "delete_backup"],
    }
    for status, does in cut.items():
        backup = Copy("b", "kept", status, "v", stale=True)
        assert [action.name for action in only(observed(backups=(backup,))).then] == does


def test_files_that_nobody_knows_are_set_aside_and_volumes_without_files_said_lost() -> None:
    stray = only(observed(None))
    assert (stray.kind, words(stray)) == ("file", [("set_aside", {"folder": "/f", "file": FILE})])
    assert words(only(observed(files={}))) == [("set_volume", {"status": "error"})]
