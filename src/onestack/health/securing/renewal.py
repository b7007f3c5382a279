"""Renews the API gateway's certificate before it expires; the keeper asks for it."""

from __future__ import annotations

from onestack.core.errors import Busy
from onestack.core.events import silent
from onestack.host.lock import held
from onestack.platform import expiry, site, tls
from onestack.platform.infrastructure import gateway_certificate
from onestack.platform.site import Site

PERIOD, FIRST = 3600.0, 60.0
"""Seconds between two looks, and until the first one."""


def due(found: Site) -> list[str]:
    """Renew what is due on this host, and have it used; the names of what was renewed. Raises PermanentError.

    Those of several hosts are renewed by `up`, since it reaches the other hosts.
    """
    if not (found.leads and found.tls) or found.spec.listen.certificate is not None:
        return []
    before = _serial(found)
    try:
        with held(found.paths.lock, "onestack keeper", seconds=0.0):
            # What is stored may be another cloud's since the keeper started.
            now = site.load(found.paths)
            tls.ensure(now)
            gateway_certificate.take(now, now.leader, silent)
    except Busy:
        # Another command works on the cloud: the next look does it.
        return []
    return [expiry.API_GATEWAY] if _serial(found) != before else []


def _serial(found: Site) -> int | None:
    return {each.name: each.serial for each in expiry.certificates(found)}.get(expiry.API_GATEWAY)
