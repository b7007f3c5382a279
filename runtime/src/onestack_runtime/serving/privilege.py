"""Privileged calls in the process itself.

OpenStack's libraries hand privileged calls to helper daemons, one of 50 MB for each library, started with
sudo. A runner is root inside its namespace already, so it makes those calls itself: upstream's own switch for
that is the context's client mode.
"""

from __future__ import annotations

from types import ModuleType

from oslo_privsep import priv_context


def in_process(*modules: ModuleType) -> None:
    """Every privilege context that these modules define is used without a helper daemon."""
    for module in modules:
        for value in vars(module).values():
            if isinstance(value, priv_context.PrivContext):
                value.set_client_mode(False)
