"""Is every volume consistent after a crash? What is on the disk, what guests have open, and what Nova and Cinder have
noted is collected, diagnosed and repaired."""

from __future__ import annotations

from onestack.health.volumes.check import Finding, Outcome, check

__all__ = ["Finding", "Outcome", "check"]
