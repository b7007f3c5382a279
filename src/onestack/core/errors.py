"""Errors in two families: permanent ones stop the work, temporary ones are retried.

Every error message says what happened, where, and what to do next. The command line prints that as text, or with
`--json` as data.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A place in a file that a person wrote; lines and columns count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


class OneStackError(Exception):
    """The base of errors that are reported to the user.

    `summary`: what happened, in one line. `detail`: the evidence (a log's last lines). `where`: file:line, or host
    and service. `hint`: what to do next. `exit_status`: of the command.
    """

    exit_status = 1

    def __init__(
        self, summary: str, *, detail: str = "", where: Place | str | None = None, hint: str = ""
    ) -> None:
        super().__init__(summary)
        if detail:
            # A traceback, of a failed test or in a program that uses the Python API, shows it too.
            self.add_note(detail)
        self.summary = summary
        self.detail = detail
        self.where = where
        self.hint = hint

    def as_dict(self) -> dict[str, str]:
        """The error as data, without empty fields."""
        parts = {
            "error": self.summary,
            "where": str(self.where) if self.where else "",
            "detail": self.detail,
            "hint": self.hint,
        }
        return {key: value for key, value in parts.items() if value}


class PermanentError(OneStackError):
    """A retry without a change would fail in the same way."""


class TemporaryError(OneStackError):
    """An error to retry after `delay` seconds. `unsure`: the operation may have been executed nevertheless."""

    def __init__(
        self,
        summary: str,
        *,
        delay: float = 1.0,
        unsure: bool = False,
        detail: str = "",
        where: Place | str | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(summary, detail=detail, where=where, hint=hint)
        self.delay = delay
        self.unsure = unsure


class BadInput(PermanentError):
    """The user's input is wrong; nothing was changed."""

    exit_status = 2


class Unready(PermanentError):
    """A condition did not become true before its deadline."""


class Busy(PermanentError):
    """Another command holds the cloud's lock."""
