"""What the base must hold so that the guest can be made from it, and where it lies there."""

from __future__ import annotations

from pathlib import Path

FILES = Path(__file__).with_name("files")
ROOTFS = FILES / "rootfs"

# Inside the base; files/fetch.sh fills it.
PLACE = Path("usr/share/onestack/guest")
KERNEL = PLACE / "vmlinuz"
KERNEL_RELEASE = PLACE / "release"
MODULES = PLACE / "modules"
BOOT_SECTOR = PLACE / "mbr.bin"
BUSYBOX = Path("usr/bin/busybox")
PROGRAMS = (Path("usr/sbin/dropbear"), Path("usr/bin/dropbearkey"), PLACE / "lighttpd")
"""Programs of the guest that are linked to shared libraries."""
WEB_CGI = PLACE / "mod_cgi.so"
"""The part of lighttpd that runs programs; what else it needs is built in."""


def packages() -> list[str]:
    """Debian packages that the base must have installed: what runs in the guest, and what makes its disk."""
    return ["busybox-static", "dropbear-bin", "mtools", "syslinux"]


def hooks() -> list[str]:
    """Commands for mmdebstrap's --customize-hook (each a shell script whose $1 is the base's root).

    The text itself, not its path, so that a base can be keyed by it wherever this program is installed.
    """
    return [(FILES / "fetch.sh").read_text()]
