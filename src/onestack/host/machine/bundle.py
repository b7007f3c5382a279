"""The agent as it goes over a connection: the few modules it needs, in one zip file of a few dozen KiB.

So a host needs python3 and nothing of ours, and both sides are always of one version.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path

from onestack.core import errors

MODULES = (
    "__init__.py",
    "core/__init__.py",
    "core/contract.py",
    "core/errors.py",
    "core/wait.py",
    "host/__init__.py",
    "host/command.py",
    "host/facts.py",
    "host/proc.py",
    "host/processes.py",
    "host/progress.py",
    "host/ready.py",
    "host/resolvers.py",
    "host/machine/agent.py",
    "host/machine/interface.py",
    "host/machine/local.py",
    "host/machine/wire.py",
)
"""All use the standard library alone (a test runs them without anything else)."""

BOOT = """\
import sys, tempfile
given = open(0, "rb", buffering=0, closefd=False)
left, parts = int(given.readline()), []
while left:
    part = given.read(left)
    if not part:
        sys.exit("the connection ended before the agent was here")
    left -= len(part)
    parts.append(part)
with tempfile.NamedTemporaryFile(suffix=".zip") as file:
    file.write(b"".join(parts))
    file.flush()
    sys.path.insert(0, file.name)
    from onestack.host.machine import agent
agent.main()
"""
"""The program that python3 on the host gets as an argument: it reads the zip file's length, then the file."""


@cache
def bundle() -> bytes:
    """The zip file."""
    package = Path(errors.__file__).parent.parent
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in MODULES:
            archive.write(package / name, f"onestack/{name}")
        # The package's own brings the asking side with it, which needs more than the standard library.
        archive.writestr("onestack/host/machine/__init__.py", "")
    return written.getvalue()
