"""Doing what a plan says: in parallel, in order, telling how it goes."""

from onestack.apply.provider import Provider
from onestack.apply.run import Outcome, run

__all__ = ["Outcome", "Provider", "run"]
