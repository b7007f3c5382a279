"""Executes a plan: in parallel, in the order of dependencies, with events."""

from onestack.workloads.apply.provider import Provider
from onestack.workloads.apply.run import Failure, Outcome, run

__all__ = ["Failure", "Outcome", "Provider", "run"]
