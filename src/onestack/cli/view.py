"""Two views of the stream of events and errors: text for people, and lines of JSON."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text

from onestack.core.errors import OneStackError
from onestack.core.events import Event

# rich itself handles NO_COLOR and the type of terminal.
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def json_line(data: Any) -> None:
    """One value as one line of JSON on standard output."""
    sys.stdout.write(json.dumps(data, default=str) + "\n")
    sys.stdout.flush()


class JsonEvents:
    """The stream as lines of JSON."""

    def paused(self) -> AbstractContextManager[None]:
        """No effect: this view draws nothing that could disturb a prompt."""
        return nullcontext()

    def __call__(self, event: Event) -> None:
        json_line(event.as_dict())

    def __enter__(self) -> JsonEvents:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class HumanEvents:
    """A line for each step that has ended; on a terminal also the steps in progress, with their times."""

    def __init__(self, console: Console = out) -> None:
        self._console = console
        self._begun = time.monotonic()
        self._running: dict[str, tuple[float, str]] = {}
        self._guard = threading.Lock()
        self._live = Live(
            get_renderable=self._in_progress, console=console, refresh_per_second=5, transient=True
        )

    def __enter__(self) -> HumanEvents:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A context in which nothing is drawn, so that a question can be asked."""
        if self._console.is_terminal:
            self._live.stop()
        try:
            yield
        finally:
            if self._console.is_terminal:
                self._live.start()

    def __call__(self, event: Event) -> None:
        with self._guard:
            if event.state == "started":
                self._running[event.about] = (time.monotonic(), event.message)
            elif event.state == "progressed":
                since, _ = self._running.get(event.about, (time.monotonic(), ""))
                self._running[event.about] = (since, event.message)
            else:
                self._running.pop(event.about, None)
        line = self._line(event)
        if line is not None:
            self._console.print(line)

    def _line(self, event: Event) -> Text | None:
        marks = {
            "finished": ("✓", "green"),
            "failed": ("✗", "red"),
            "skipped": ("-", "dim"),
            "noted": ("·", "yellow"),
        }
        if event.state not in marks:
            return None
        mark, style = marks[event.state]
        seconds = f"{event.seconds:6.1f} s" if event.seconds is not None else " " * 8
        return Text.assemble(
            (f" {mark} ", style),
            (seconds, "dim"),
            "  ",
            event.about,
            ("  " + event.message if event.message else "", "dim"),
        )

    def _in_progress(self) -> RenderableType:
        now = time.monotonic()
        with self._guard:
            items = list(self._running.items())
        rows = [
            Spinner("dots", Text.assemble(f"{now - since:5.1f} s  ", (name, "bold"), "  ", (message, "dim")))
            for name, (since, message) in items[:12]
        ]
        return Group(*rows)


def show_error(error: OneStackError, *, as_json: bool) -> None:
    """What happened, where, the evidence, and what to do."""
    if as_json:
        json_line(error.as_dict())
        return
    err.print(f"[bold red]error:[/] {escape(error.summary)}")
    if error.detail:
        for line in error.detail.splitlines():
            err.print(f"  [dim]│[/] {escape(line)}")
    if error.where:
        err.print(f"  [dim]where:[/] {escape(str(error.where))}")
    if error.hint:
        err.print(f"  [dim]next:[/]  {escape(error.hint)}")
