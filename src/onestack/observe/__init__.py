"""What a cloud does now: its guests' and balancers' figures, collected once, shown to Prometheus, asked of it."""

from onestack.observe.observation import GuestRates, MemberRates, Observation, PoolRates

__all__ = ["GuestRates", "MemberRates", "Observation", "PoolRates"]
