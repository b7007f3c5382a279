"""The only command that other hosts may run here, and what it sees: guests' files and the base's programs. Pure.

Whatever rsync's arguments say, there is no other file, no network and no process of the cloud's for it to reach.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

PROGRAM = ("rsync", "--server")
_FORBIDDEN = "--daemon"
"""It would read a configuration file, which may name programs."""
_OPTIONS = (
    # To remove a file or folder, Nova sends an empty temporary folder, of mode 0700, in the place of the one around
    # it: with that mode QEMU, which does not run as root, would find no guest's files. So folders that exist keep
    # theirs.
    "--no-perms",
    # Nova sends no symbolic links: one that somebody else sends must not lead Nova out of this folder.
    "--munge-links",
)
IMAGES = "_base"
"""Nova's cache of images: files that other guests stand on are only read."""


def command(words: Sequence[str], folder: str) -> list[str]:
    """The command line for what another host asks for. `folder`: that of guests' files. Raises ValueError for any
    other command."""
    # rsync escapes file names for the shell that ssh has on the far side.
    given = shlex.split(" ".join(words))
    if tuple(given[:2]) != PROGRAM or "." not in given or _FORBIDDEN in given:
        raise ValueError(f"not allowed: {' '.join(given)[:200]}")
    # After the options comes a word that is only a dot.
    dot = given.index(".")
    return [*sandbox(folder), "--", *given[:dot], *_OPTIONS, *given[dot:]]


def sandbox(folder: str) -> list[str]:
    """Of bubblewrap: a root of its own, nothing shared with other processes, no capability but that to files of other
    users (those of guests that ran are QEMU's)."""
    return [
        "bwrap",
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin"),
        *("--cap-drop", "ALL", "--cap-add", "CAP_DAC_OVERRIDE"),
        *("--ro-bind", "/usr", "/usr"),
        *(word for name in ("lib", "lib64") for word in ("--symlink", f"usr/{name}", f"/{name}")),
        *("--bind", folder, folder, "--ro-bind-try", f"{folder}/{IMAGES}", f"{folder}/{IMAGES}"),
        *("--remount-ro", "/", "--chdir", "/"),
    ]
