"""Metrics of a running cloud: collects those of guests and load balancers, exports them to Prometheus, and queries
it."""

from onestack.observe.observation import GuestRates, MemberRates, Observation, PoolRates

__all__ = ["GuestRates", "MemberRates", "Observation", "PoolRates"]
