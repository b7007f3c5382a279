"""Is every volume what Cinder says it is? After any crash: what lies on the disk, what guests have open, what
Nova and Cinder noted, held against each other, and put right."""

from __future__ import annotations

from onestack.health.volumes.check import Finding, Outcome, check

__all__ = ["Finding", "Outcome", "check"]
