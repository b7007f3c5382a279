"""The names by which the provider may be asked for.

`amphora` and `octavia` are upstream's own names of its default provider; manifests, modules and suites say them
without meaning a virtual machine. The name that was said stays on the balancer. That Octavia loads our driver for
them is a replacement (`onestack_runtime.replacements.octavia`).
"""

from __future__ import annotations

PROVIDER = "haproxy"
ALIASES = ("amphora", "octavia")
NAMES = (PROVIDER, *ALIASES)
