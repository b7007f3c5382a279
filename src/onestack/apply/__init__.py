"""Doing what a plan says: in parallel, in order, telling how it goes."""

from onestack.apply.provider import Provider
from onestack.apply.run import Failure, Outcome, run

__all__ = ["Failure", "Outcome", "Provider", "run"]
