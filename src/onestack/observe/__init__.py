"""What a cloud does now: its guests' and balancers' figures, collected once, shown to Prometheus, asked of it."""

from onestack.observe.seen import GuestRates, MemberRates, Observed, PoolRates

__all__ = ["GuestRates", "MemberRates", "Observed", "PoolRates"]
