"""Horizon's pages and their static files in one process.

The API gateway keeps the static files once they were asked for; this process is where they come from.
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
"""Between two removals of sessions that are over."""
_HASHED = re.compile(r"\.[0-9a-f]{12}\.(css|js)$")
"""What django-compressor names by its content: such a file never changes."""
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
    """The pages, and below `static/` the files of the release."""
    from django.conf import settings
    from whitenoise import WhiteNoise

    served: Application = WhiteNoise(
        pages,
        root=settings.STATIC_ROOT,
        prefix="static/",
        max_age=_KEPT_SECONDS,
        immutable_file_test=lambda path, url: bool(_HASHED.search(url)),
        # Fonts and scripts are this page's alone.
        allow_all_origins=False,
    )
    return served


def warm(pages: Application) -> None:
    """Do before the process counts as ready what the first users would wait for.

    The rules that say which buttons a user sees are a megabyte of YAML; all panels are imported when the
    first page is asked for.
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
        raise RuntimeError(f"the login page says {seen} ({size} bytes)")


def sweep(wait: Callable[[float], bool]) -> None:
    """Remove sessions that are over, now and then, until `wait` says that the process ends."""
    from importlib import import_module

    from django.conf import settings

    store = import_module(settings.SESSION_ENGINE).SessionStore
    while not wait(SWEEP_SECONDS):
        store.clear_expired()


if __name__ == "__main__":
    main()
