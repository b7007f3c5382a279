"""Fence agents: programs that switch a host's power off, and see that it is off."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.spec.healing import Fence

SECONDS = 60.0
"""How long a fence agent may take."""
OFF = 2
"""The exit status of `status` for a host that is off, of Debian's fence agents and of commands."""
Run = Callable[[list[str], str], int]
"""Runs a program with this standard input; its exit status."""


def command(fence: Fence, action: str, password: str) -> tuple[list[str], str]:
    """The command line of an action (off or status), and its standard input. Pure."""
    if fence.agent == "command":
        return [*fence.command, action], ""
    given = {"action": action, "ip": str(fence.address), "username": fence.user or "", "password": password}
    return [f"fence_{fence.agent}"], "".join(f"{k}={v}\n" for k, v in {**given, **fence.options}.items())


def _run(argv: list[str], text: str) -> int:
    try:
        return subprocess.run(
            argv, input=text, text=True, check=False, timeout=SECONDS, capture_output=True
        ).returncode
    except FileNotFoundError as missing:
        raise PermanentError(
            f"there is no program {argv[0]} on this host", hint="install it on each control host"
        ) from missing
    except subprocess.TimeoutExpired as late:
        raise PermanentError(f"{argv[0]} did not end within {SECONDS:.0f} s") from late


def switch_off(fence: Fence, run: Run = _run) -> str:
    """Switch a host off, and see that it is off; how that is known, in words. Raises PermanentError where that cannot
    be said."""
    password = ""
    if fence.password_file is not None:
        try:
            password = Path(fence.password_file).read_text().strip()
        except OSError as error:
            raise PermanentError(f"{fence.password_file} cannot be read: {error.strerror}") from error
    status = run(*command(fence, "off", password))
    if status != 0:
        raise PermanentError(f"the fence agent ({fence.agent}) could not switch it off: exit status {status}")
    status = run(*command(fence, "status", password))
    if status != OFF:
        raise PermanentError(
            f"the fence agent ({fence.agent}) does not say that it is off: exit status {status}"
        )
    return f"the fence agent ({fence.agent}) says that it is off"
