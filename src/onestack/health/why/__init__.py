"""Explains failures: `collect` collects observations, and pure functions diagnose them.

`server` is the first subject; another one would be a module with its own observation, collection and diagnosis.
"""

from onestack.health.why.collect import explain, sentence
from onestack.health.why.model import Diagnosis, HostReason, ServerObservation
from onestack.health.why.server import diagnose

__all__ = ["Diagnosis", "HostReason", "ServerObservation", "diagnose", "explain", "sentence"]
