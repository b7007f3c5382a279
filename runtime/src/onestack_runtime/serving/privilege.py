"""Privileged calls without privsep's helper daemons.

OpenStack's libraries pass privileged calls to helper daemons, one of 50 MB for each library, started with sudo. A
runner is root in its namespace already, so it makes these calls itself: oslo.privsep allows that by turning a
context's client mode off.
"""

from __future__ import annotations

from types import ModuleType

from oslo_privsep import priv_context


def in_process(*modules: ModuleType) -> None:
    """Use the privsep contexts that these modules define without a helper daemon."""
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, priv_context.PrivContext):
                value.set_client_mode(False)
