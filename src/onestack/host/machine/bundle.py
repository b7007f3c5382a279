"""The agent as it is sent over a connection: the few modules that it needs, in one zip file of a few dozen KiB.

So a host needs only python3, and both sides always have the same version.
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
"""They use only the standard library (a test runs them without anything else)."""

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
        # Not the package's own __init__, which imports the client and so more than the standard library.
        archive.writestr("onestack/host/machine/__init__.py", "")
    return written.getvalue()
