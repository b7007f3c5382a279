"""What must change, and in which order: wanted and observed state -> changes -> steps. Pure: no I/O, plain data."""

from onestack.workloads.plan.make import Traits, make
from onestack.workloads.plan.model import Action, Change, Observed, Plan, Step, Wanted
from onestack.workloads.plan.order import steps
from onestack.workloads.plan.values import Address, FromFile, Ref, Secret

__all__ = [
    "Action",
    "Address",
    "Change",
    "FromFile",
    "Observed",
    "Plan",
    "Ref",
    "Secret",
    "Step",
    "Traits",
    "Wanted",
    "make",
    "steps",
]
