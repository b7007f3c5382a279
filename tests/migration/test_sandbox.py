"""What another host may run: rsync's far side, where only guests' files are."""

from __future__ import annotations

import pytest

from onestack_runtime.drivers.rsync import sandbox

FOLDER = "/var/lib/nova/instances"
ASKED = ["rsync", "--server", "-logDtpre.iLsfxCIvu", "--delete", ".", f"{FOLDER}/a"]


def test_rsync_is_run_where_guests_files_are() -> None:
    found = sandbox.command(ASKED, FOLDER)
    rest = found[found.index("--") + 1 :]
    assert rest[:4] == ASKED[:4]
    assert {"--no-perms", "--munge-links"} == {*rest[4:-2]}
    assert rest[-2:] == [".", f"{FOLDER}/a"]
    around = " ".join(found[: found.index("--")])
    assert around.startswith("bwrap ")
    assert f"--bind {FOLDER} {FOLDER} " in around
    for word in ("--unshare-net", "--unshare-pid", "--die-with-parent", "--remount-ro /", "--cap-drop ALL"):
        assert word in around
    assert "/etc" not in around and "/run" not in around


def test_images_that_other_guests_stand_on_are_only_read() -> None:
    found = " ".join(sandbox.sandbox(FOLDER))
    assert found.index(f"--bind {FOLDER} ") < found.index(f"--ro-bind-try {FOLDER}/_base {FOLDER}/_base")


def test_names_that_were_escaped_for_a_shell_are_what_they_were() -> None:
    found = sandbox.command(["rsync", "--server", "-r", ".", f"{FOLDER}/a\\ b"], FOLDER)
    assert found[-1] == f"{FOLDER}/a b"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["cat", "/etc/passwd"],
        ["sh", "-c", "rsync --server . /"],
        ["rsync", "-r", "/", "elsewhere:/"],
        ["rsync", "--server", "--daemon", "."],
        ["rsync", "--server", "-s"],
        ["rsync", "--server", "."[:0]],
    ],
)
def test_nothing_else_is_run(words: list[str]) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        sandbox.command(words, FOLDER)
