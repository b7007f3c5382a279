"""The tiny guest: a few MB that boot in seconds even without KVM, so that a new cloud has something to start.

It is made on the machine from Debian's kernel, busybox and dropbear, as they lie in the base; its own part
are the scripts under `files/rootfs`. `packages` and `hooks` say what the base must hold for it, `build`
makes the image for Glance.
"""

from onestack.host.guest.image import build
from onestack.host.guest.parts import hooks, packages

__all__ = ["build", "hooks", "packages"]
