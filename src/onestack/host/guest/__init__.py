"""The tiny guest: a few MB that boot in seconds even without KVM, so that a new cloud has something to start.

It is built on the machine from the kernel, busybox and dropbear of the (Debian) base, and our own scripts in
`files/rootfs`. `packages` and `hooks` determine what the base must contain for it; `build` creates the image for
Glance.
"""

from onestack.host.guest.image import build
from onestack.host.guest.parts import hooks, packages

__all__ = ["build", "hooks", "packages"]
