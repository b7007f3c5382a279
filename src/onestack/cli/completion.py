"""`completion`: prints the shell completion script."""

from __future__ import annotations

import sys

import click
from click.shell_completion import get_completion_class

from onestack.cli.main import cli


@cli.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for SHELL: eval "$(onestack completion bash)"."""
    made = get_completion_class(shell)
    assert made is not None, f"click has no completion for {shell}"
    sys.stdout.write(made(cli, {}, "onestack", "_ONESTACK_COMPLETE").source() + "\n")
