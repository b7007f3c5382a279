"""The command line of OpenSSH's own client, so that the operator's configuration, agent and jump hosts hold."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onestack.host.machine.bundle import BOOT


@dataclass(frozen=True)
class Address:
    """How a host is reached. What is not said is the ssh configuration's."""

    host: str
    user: str | None = None
    port: int | None = None
    configuration: Path | None = None
    """Another file than the operator's own ~/.ssh/config."""


def command(address: Address, python: str = "python3") -> list[str]:
    """The command that starts an agent on a host and is its connection."""
    return through(address, agent(python))


def through(address: Address, words: str) -> list[str]:
    """The command that has a host's shell run `words`."""
    options = {
        # Nobody is there to type a password; a question would wait for ever.
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        # A link that is cut is noticed, in the middle of a question too.
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
    """What the host's shell is given. -I: no file or variable of the host's takes part."""
    words: Sequence[str] = ("exec", python, "-I", "-u", "-c")
    return f"{shlex.join(words)} {shlex.quote(BOOT)}"
