"""What is untrue of volumes, and what is done about it: from what Cinder, Nova, libvirt and the disk say."""

from __future__ import annotations

from dataclasses import replace

from onestack.health.volumes.judge import GIB, Fault, judge
from onestack.health.volumes.seen import Folder, Guest, Piece, Seen, Volume

FILE = "volume-v"
VOLUME = Volume("v", "data", "available", 1, FILE, "file")
ATTACHED = replace(VOLUME, status="in-use", attachments={"a": "srv"})
GUEST = Guest("srv", True, {"v": ("vdb", FILE)})


def seen(
    volume: Volume | None = VOLUME,
    *,
    files: dict[str, tuple[str | None, int]] | None = None,
    note: dict[str, str] | None = None,
    guest: Guest | None = None,
    nova: bool = False,
    snapshots: tuple[Piece, ...] = (),
    backups: tuple[Piece, ...] = (),
    busy: frozenset[str] = frozenset(),
    cut_off: bool | None = None,
) -> Seen:
    found = {FILE: (None, GIB)} if files is None else files
    return Seen(
        volumes=(volume,) if volume else (),
        snapshots=snapshots,
        backups=backups,
        servers={"srv": frozenset("v" if nova else ())},
        busy=busy,
        unfinished={} if cut_off is None else {("srv", "v"): cut_off},
        guests={"srv": guest} if guest else {},
        folders={"file": Folder("/f", found, {FILE: note} if note else {})},
    )


def told(found: Seen) -> list[tuple[str, list[str]]]:
    return [(fault.what, [action.name for action in fault.then]) for fault in judge(found)]


def only(found: Seen) -> Fault:
    (fault,) = judge(found)
    return fault


def words(fault: Fault) -> list[tuple[str, dict[str, object]]]:
    return [(action.name, action.words) for action in fault.then]


def test_true_volumes_are_left_alone() -> None:
    assert judge(seen()) == []
    assert judge(seen(ATTACHED, guest=GUEST, nova=True)) == []
    # Its server is shut off: there is no disk in a running guest, and that is right.
    assert judge(seen(ATTACHED, guest=Guest("srv", False), nova=True)) == []


def test_work_that_goes_on_is_left_alone() -> None:
    for status in ("creating", "deleting", "attaching", "detaching", "extending", "backing-up", "uploading"):
        assert judge(seen(replace(VOLUME, status=status))) == [], status
    piece = Piece("s", "snap", "creating", "v")
    files: dict[str, tuple[str | None, int]] = {FILE: (None, GIB), f"{FILE}.s": (FILE, GIB)}
    assert judge(seen(files=files, snapshots=(piece,))) == []
    moved = seen(replace(ATTACHED, attachments={}), guest=GUEST, busy=frozenset({"srv"}), nova=True)
    assert judge(moved) == []


def test_what_was_cut_off_is_ended() -> None:
    stale = replace(VOLUME, stale=True)
    made = words(only(seen(replace(stale, status="creating"), files={})))
    assert made == [("set_volume", {"status": "error"})]
    deleted = words(only(seen(replace(stale, status="deleting"))))
    assert deleted == [("set_volume", {"status": "error"}), ("delete_volume", {})]
    for status in ("backing-up", "uploading", "retyping", "extending"):
        assert words(only(seen(replace(stale, status=status)))) == [("set_volume", {"status": "available"})]
    filled = only(seen(replace(stale, status="restoring-backup")))
    assert words(filled) == [("set_volume", {"status": "error"})]


def test_an_attachment_that_only_cinder_knows_is_ended() -> None:
    fault = only(seen(replace(ATTACHED, status="attaching", stale=True)))
    assert words(fault) == [("set_volume", {"status": "available"})]
    assert words(only(seen(ATTACHED))) == [("set_volume", {"status": "available"})]


def test_a_disk_that_only_the_guest_has_is_taken_from_it() -> None:
    fault = only(seen(guest=GUEST))
    assert words(fault) == [
        ("take_from_guest", {"server": "srv", "disk": "vdb"}),
        ("set_volume", {"status": "available"}),
    ]


def test_an_attachment_that_never_reached_the_guest_is_ended_by_nova() -> None:
    half = replace(ATTACHED, status="attaching", stale=True)
    fault = only(seen(half, guest=Guest("srv", True), nova=True))
    assert words(fault) == [("set_volume", {"status": "in-use"}), ("detach", {"server": "srv"})]


def test_an_attachment_that_nova_never_noted_whole_is_forgotten_by_it() -> None:
    forgotten = [("forget", {"server": "srv"}), ("set_volume", {"status": "available"})]
    running = Guest("srv", True)
    # Before Cinder was asked, after it was, and when the guest had it already.
    assert words(only(seen(guest=running, nova=True, cut_off=True))) == forgotten
    half = replace(ATTACHED, status="attaching", stale=True)
    assert words(only(seen(half, guest=running, nova=True, cut_off=True))) == forgotten
    taken = ("take_from_guest", {"server": "srv", "disk": "vdb"})
    assert words(only(seen(half, guest=GUEST, nova=True, cut_off=True))) == [taken, *forgotten]


def test_an_attachment_that_nova_is_at_work_on_is_left_alone() -> None:
    assert judge(seen(guest=Guest("srv", True), nova=True, cut_off=False)) == []


def test_an_attachment_that_is_whole_is_said_so() -> None:
    for status in ("attaching", "detaching"):
        half = replace(ATTACHED, status=status, stale=True)
        assert words(only(seen(half, guest=GUEST, nova=True))) == [("set_volume", {"status": "in-use"})]


def test_a_file_smaller_or_larger_than_promised() -> None:
    large = replace(ATTACHED, size=2)
    grown = words(only(seen(large, guest=GUEST, nova=True)))
    assert grown == [
        ("grow", {"folder": "/f", "file": FILE, "size": 2, "server": "srv", "disk": "vdb"}),
    ]
    assert words(only(seen(replace(VOLUME, size=2))))[0][1].get("server") is None
    assert words(only(seen(files={FILE: (None, 3 * GIB)}))) == [("extend", {"size": 3})]


def test_the_note_is_written_before_the_snapshot_is_judged() -> None:
    files: dict[str, tuple[str | None, int]] = {FILE: (None, GIB), f"{FILE}.s": (FILE, GIB)}
    piece = Piece("s", "snap", "creating", "v", stale=True)
    uses = Guest("srv", True, {"v": ("vdb", f"{FILE}.s")})
    first, second = judge(seen(ATTACHED, files=files, guest=uses, nova=True, snapshots=(piece,)))
    assert [action.name for action in first.then] == ["write_note"]
    assert words(second) == [("set_snapshot", {"status": "available"})]
    first, second = judge(seen(ATTACHED, files=files, guest=GUEST, nova=True, snapshots=(piece,)))
    assert words(first) == [("set_aside", {"folder": "/f", "file": f"{FILE}.s"})]
    assert words(second) == [("set_snapshot", {"status": "error"})]


def test_deletions_of_snapshots_and_backups_are_done_again() -> None:
    files: dict[str, tuple[str | None, int]] = {FILE: (None, GIB), f"{FILE}.s": (FILE, GIB)}
    note = {"active": f"{FILE}.s", "s": f"{FILE}.s"}
    piece = Piece("s", "snap", "deleting", "v", stale=True)
    assert told(seen(files=files, note=note, snapshots=(piece,))) == [
        ("its deletion was cut off", ["set_snapshot", "delete_snapshot"])
    ]
    cut = {
        "creating": ["set_backup"],
        "restoring": ["set_backup"],
        "deleting": ["set_backup", "delete_backup"],
    }
    for status, does in cut.items():
        backup = Piece("b", "kept", status, "v", stale=True)
        assert [action.name for action in only(seen(backups=(backup,))).then] == does


def test_files_that_nobody_knows_are_set_aside_and_volumes_without_files_said_lost() -> None:
    stray = only(seen(None))
    assert (stray.kind, words(stray)) == ("file", [("set_aside", {"folder": "/f", "file": FILE})])
    assert words(only(seen(files={}))) == [("set_volume", {"status": "error"})]
