"""Generates the static files of a release: collected from all packages, bundled, minified, compressed.

    python3 static.py        (ONESTACK_STATIC_ROOT names the folder)

It runs once for each release, takes twelve seconds of CPU time, and needs neither a cloud nor a network.
"""

from __future__ import annotations

import os
from pathlib import Path


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "openstack_dashboard.settings"
    import django
    from django.core.management import call_command
    from whitenoise.compress import Compressor

    django.setup()
    from django.conf import settings

    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("compress", force=True, verbosity=0)
    # Only the bundles that pages load; the thousands of single files that they are made from need no compressed form.
    joined = Path(settings.STATIC_ROOT, settings.COMPRESS_OUTPUT_DIR)
    compressor = Compressor(use_brotli=False, quiet=True)
    for kind in ("css", "js"):
        for file in sorted((joined / kind).iterdir()):
            if file.is_file() and compressor.should_compress(file.name):
                list(compressor.compress(str(file)))


if __name__ == "__main__":
    main()
