"""What the base must contain so that the guest image can be built from it, and where."""

from __future__ import annotations

from pathlib import Path

FILES = Path(__file__).with_name("files")
ROOTFS = FILES / "rootfs"

# A path inside the base; files/fetch.sh fills it.
PLACE = Path("usr/share/onestack/guest")
KERNEL = PLACE / "vmlinuz"
KERNEL_RELEASE = PLACE / "release"
MODULES = PLACE / "modules"
BOOT_SECTOR = PLACE / "mbr.bin"
BUSYBOX = Path("usr/bin/busybox")
PROGRAMS = (Path("usr/sbin/dropbear"), Path("usr/bin/dropbearkey"), PLACE / "lighttpd")
"""Programs of the guest with shared libraries."""
WEB_CGI = PLACE / "mod_cgi.so"
"""lighttpd's module that runs CGI programs; its other modules are built in."""


def packages() -> list[str]:
    """The Debian packages that the base must have for the guest: what runs in it, and what builds its disk."""
    return ["busybox-static", "dropbear-bin", "mtools", "syslinux"]


def hooks() -> list[str]:
    """Commands for mmdebstrap's --customize-hook (shell scripts whose $1 is the base's root).

    They contain the script itself, not its path, so that the base's key does not depend on where the tool is
    installed.
    """
    return [(FILES / "fetch.sh").read_text()]
