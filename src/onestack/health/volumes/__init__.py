"""Checks that volumes are consistent after a crash, and repairs them: compares the files on disk, the files that
guests have open, and the state in Nova's and Cinder's databases."""

from __future__ import annotations

from onestack.health.volumes.check import Finding, Outcome, check

__all__ = ["Finding", "Outcome", "check"]
