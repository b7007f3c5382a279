"""Horizon's pages and their static files in one process.

The API gateway caches the static files, and requests them from this process.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from wsgiref.util import setup_testing_defaults

from onestack_runtime import contract
from onestack_runtime.paths import LIB, folder
from onestack_runtime.replacements import registry
from onestack_runtime.runners import horizon
from onestack_runtime.serving import threads
from onestack_runtime.serving.health import Application, Environ
from onestack_runtime.serving.process import Process

LOG = logging.getLogger("onestack_runtime.runners.horizon")

THREADS = 8
SWEEP_SECONDS = 3600.0
"""Seconds between two removals of expired sessions."""
_HASHED = re.compile(r"\.[0-9a-f]{12}\.(css|js)$")
"""Files that django-compressor names by their content; they never change."""
_KEPT_SECONDS = 3600


def main() -> None:
    threads.native()
    registry.install("horizon")
    folder(LIB / "horizon/sessions", 0o700)
    horizon.configure()
    from django.core.wsgi import get_wsgi_application

    pages = get_wsgi_application()
    process = Process("horizon")
    process.serve(
        with_static_files(pages), contract.socket("horizon"), contract.API_PATHS["horizon"], THREADS
    )
    process.worker("pages", lambda: warm(pages), retry=False)
    process.thread("sessions", lambda: sweep(process.wait))
    process.run()


def with_static_files(pages: Application) -> Application:
    """The pages, and the release's static files below `static/`."""
    from django.conf import settings
    from whitenoise import WhiteNoise

    served: Application = WhiteNoise(
        pages,
        root=settings.STATIC_ROOT,
        prefix="static/",
        max_age=_KEPT_SECONDS,
        immutable_file_test=lambda path, url: bool(_HASHED.search(url)),
        # Other sites need not load its fonts and scripts.
        allow_all_origins=False,
    )
    return served


def warm(pages: Application) -> None:
    """Load what the first users would otherwise wait for, before the process counts as ready.

    The policy rules, which decide what a user is shown, are a megabyte of YAML; and the first page that is requested
    imports all panels.
    """
    from openstack_auth import policy

    policy._get_enforcer()
    environ: Environ = {
        "SCRIPT_NAME": f"/{contract.API_PATHS['horizon']}",
        "PATH_INFO": "/auth/login/",
        "HTTP_HOST": "localhost",
    }
    setup_testing_defaults(environ)
    seen: list[str] = []

    def start_response(status: str, headers: object, exc_info: object = None) -> None:
        seen.append(status)

    body: Iterable[bytes] = pages(environ, start_response)
    size = sum(len(piece) for piece in body)
    if not seen or not seen[0].startswith("200"):
        raise RuntimeError(f"the login page responds with {seen} ({size} bytes)")


def sweep(wait: Callable[[float], bool]) -> None:
    """Remove expired sessions at intervals, until `wait` returns that the process is to stop."""
    from importlib import import_module

    from django.conf import settings

    store = import_module(settings.SESSION_ENGINE).SessionStore
    while not wait(SWEEP_SECONDS):
        store.clear_expired()


if __name__ == "__main__":
    main()
