"""The command line of OpenSSH's client, so that the operator's configuration, agent and jump hosts apply."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onestack.host.machine.bundle import BOOT


@dataclass(frozen=True)
class Address:
    """How a host is reached. What is not set comes from the ssh configuration."""

    host: str
    user: str | None = None
    port: int | None = None
    configuration: Path | None = None
    """A file that replaces the operator's ~/.ssh/config."""


def command(address: Address, python: str = "python3") -> list[str]:
    """The command that starts an agent on a host; its stdin and stdout are the connection."""
    return through(address, agent(python))


def through(address: Address, words: str) -> list[str]:
    """The command that has a host's shell run `words`."""
    options = {
        # Nobody can type a password; a prompt would wait for ever.
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        # Detects a broken connection, also during a request.
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
    }
    argv = ["ssh", "-T"]
    if address.configuration:
        argv += ["-F", str(address.configuration)]
    for name, value in options.items():
        argv += ["-o", f"{name}={value}"]
    if address.port:
        argv += ["-p", str(address.port)]
    if address.user:
        argv += ["-l", address.user]
    return [*argv, "--", address.host, words]


def agent(python: str = "python3") -> str:
    """The command for the host's shell. -I: Python ignores the host's environment variables and user packages."""
    words: Sequence[str] = ("exec", python, "-I", "-u", "-c")
    return f"{shlex.join(words)} {shlex.quote(BOOT)}"
