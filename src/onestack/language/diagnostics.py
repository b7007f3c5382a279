"""Errors and warnings as data: the command line and `--json` are views of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from onestack.core.errors import BadInput, Place

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Diagnostic:
    """One finding about a spec or a machine.

    `summary`: the problem. `detail`: what is allowed, or the evidence. `hint`: what to do about it.
    `place`: its position in the user's file. `forcible`: an error that `--force` turns into a warning.
    """

    severity: Severity
    summary: str
    detail: str = ""
    place: Place | None = None
    hint: str = ""
    forcible: bool = False

    def __str__(self) -> str:
        text = "; ".join(part for part in (self.summary, self.detail, self.hint) if part)
        # A default spec has a name but no lines.
        return f"{self.place}: {text}" if self.place and self.place.line else text

    def as_dict(self) -> dict[str, Any]:
        """The finding as data, without empty fields."""
        parts: dict[str, Any] = {
            "severity": self.severity,
            "summary": self.summary,
            "detail": self.detail,
            "hint": self.hint,
            "forcible": self.forcible,
        }
        if self.place and self.place.line:
            parts |= {"file": self.place.file, "line": self.place.line, "column": self.place.column}
        return {key: value for key, value in parts.items() if value}


class BadSpec(BadInput):
    """All errors in the user's input together; `diagnostics` has them as data."""

    def __init__(self, summary: str, diagnostics: Iterable[Diagnostic], *, hint: str = "") -> None:
        self.diagnostics: Sequence[Diagnostic] = tuple(diagnostics)
        first = self.diagnostics[0] if self.diagnostics else None
        super().__init__(
            summary,
            detail="\n".join(str(item) for item in self.diagnostics),
            where=first.place if first else None,
            hint=hint,
        )
