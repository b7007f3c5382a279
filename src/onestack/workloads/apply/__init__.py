"""Doing what a plan says: in parallel, in order, telling how it goes."""

from onestack.workloads.apply.provider import Provider
from onestack.workloads.apply.run import Failure, Outcome, run

__all__ = ["Failure", "Outcome", "Provider", "run"]
