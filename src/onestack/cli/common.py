"""Common parts of all commands: --root, --json, --help, and the view for their output."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType

from onestack.cli import view
from onestack.core.errors import BadInput, OneStackError

if TYPE_CHECKING:
    from onestack.cloud import Cloud
    from onestack.clouds import Clouds
    from onestack.spec import Spec
    from onestack.workloads.other_cloud import OtherCloud


class Context:
    """The cloud of a command, and how its results are shown."""

    def __init__(self, root: str, as_json: bool) -> None:
        self._root = root
        self.as_json = as_json

    @cached_property
    def cloud_for_anyone(self) -> Cloud:
        """The cloud, for commands that change nothing on the machine and need not be root."""
        # A late import: help and completion do not need openstacksdk, which takes a second to import.
        from onestack.cloud import Cloud

        return Cloud(self._root)

    @property
    def cloud(self) -> Cloud:
        if os.geteuid() != 0:
            raise BadInput(
                "onestack works on the machine's processes and network: it needs root",
                hint="run it with sudo, or as root",
            )
        return self.cloud_for_anyone

    def cloud_of(self, name: str | None) -> Cloud | OtherCloud:
        """The cloud of clouds.yaml with this name, for anyone; without a name this machine's, for root."""
        if name is None:
            return self.cloud
        from onestack.workloads.other_cloud import OtherCloud

        return OtherCloud(name)

    def clouds_of(self, spec: Spec, name: str | None) -> Cloud | OtherCloud | Clouds:
        """The clouds that a spec is about: those that it lists, or else the one with this name or this machine's.
        Raises BadInput if both say which."""
        if not spec.clouds:
            return self.cloud_of(name)
        if name is not None:
            raise BadInput(
                "the file says which clouds its tenants are in",
                where=spec.place_of("clouds"),
                hint=f"leave out '--cloud {name}', or the file's 'clouds'",
            )
        from onestack.clouds import Clouds

        return Clouds(lambda: self.cloud)

    def events(self) -> view.JsonEvents | view.HumanEvents:
        """A context manager that shows the events of a long action."""
        return view.JsonEvents() if self.as_json else view.HumanEvents()

    def report(self, data: Any, lines: Sequence[RenderableType]) -> None:
        """Show a result: `data` as JSON, or lines (rich markup, tables) for people."""
        if self.as_json:
            view.json_line(data)
            return
        for line in lines:
            view.out.print(line)


CLOUD = click.option(
    "--cloud", metavar="NAME", help="Work in this cloud of clouds.yaml, with its account; needs no root."
)


@contextmanager
def errors_are(status: int | None) -> Iterator[None]:
    """For commands whose exit statuses have other meanings: every error ends them with `status` (None: with its
    own)."""
    try:
        yield
    except OneStackError as error:
        if status is not None:
            error.exit_status = status
        raise


def here() -> Context:
    """The context of the command that runs."""
    found = click.get_current_context().find_object(Context)
    assert found is not None, "a command made without `command`"
    return found


def command(
    group: click.Group, name: str, *, passes_words: bool = False
) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of `group` with the options that all commands share."""

    def wrap(function: Callable[..., Any]) -> click.Command:
        def call(root: str, as_json: bool, **words: Any) -> Any:
            context = click.get_current_context()
            context.obj = Context(root, as_json)
            return function(**words)

        call.__doc__ = function.__doc__
        call.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        options = (
            click.option(
                "--root",
                default="/",
                metavar="DIR",
                help="The folder below which all of the cloud's files are.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Output JSON, one value per line."),
        )
        decorated: Any = call
        for option in options:
            decorated = option(decorated)
        # Options after the program's name belong to the program.
        settings = {"ignore_unknown_options": True, "allow_interspersed_args": False} if passes_words else {}
        return group.command(name, context_settings=settings)(decorated)

    return wrap
