"""How far the clocks of a cloud's hosts are apart. Pure."""

from __future__ import annotations

SECONDS = 1.0
"""By how much a host's clock may differ: tokens, leases and logs are compared between hosts."""
HINT = "have a time service run on every host (chrony, systemd-timesyncd)"


def difference(clock: float, before: float, after: float) -> float:
    """By how many seconds another clock differs at least, read between two moments of this one (Unix times)."""
    return max(0.0, before - clock, clock - after)


def complaint(host: str, seconds: float) -> str:
    """What is wrong with a clock that differs by this, or empty."""
    return f"the clock of {host} differs by {seconds:.1f} s" if seconds > SECONDS else ""
