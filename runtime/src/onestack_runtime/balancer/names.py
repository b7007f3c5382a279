"""The names by which the provider may be asked for.

`amphora` and `octavia` are upstream's own names of its default provider; manifests, modules and suites say them
without meaning a virtual machine. The name that was said stays on the balancer.
"""

from __future__ import annotations

from typing import Any

PROVIDER = "haproxy"
ALIASES = ("amphora", "octavia")
NAMES = (PROVIDER, *ALIASES)


def install() -> None:
    """Have Octavia load our driver for the aliases.

    An entry point of ours by these names would stand beside upstream's own, and Octavia refuses a name that two
    packages give. So the one function by which it loads any driver is told.
    """
    from octavia.api.drivers import driver_factory

    upstream = driver_factory.get_driver

    def get_driver(provider: Any) -> Any:
        if provider not in ALIASES or provider not in driver_factory.get_providers():
            return upstream(provider)
        driver = upstream(PROVIDER)
        driver.name = provider
        return driver

    driver_factory.get_driver = get_driver
