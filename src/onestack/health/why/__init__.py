"""Why something is not as it should be: observations are collected by `collect`, and diagnosed by pure functions.

`server` is the first kind; another one is a module with its observation, what collects it and what diagnoses it.
"""

from onestack.health.why.collect import explain, sentence
from onestack.health.why.model import Diagnosis, HostReason, ServerObservation
from onestack.health.why.server import diagnose

__all__ = ["Diagnosis", "HostReason", "ServerObservation", "diagnose", "explain", "sentence"]
