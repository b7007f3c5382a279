"""What failed in all parts of a run, each with its last words: shown once more at the end, where it is seen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

LINES = 12
"""Of a failure, so many of its last lines that say what is wrong."""


def report(file: Path) -> str:
    """The option that has pytest write its results to a file."""
    return f"--junitxml={file}"


def of(reports: Iterable[Path]) -> list[str]:
    """Lines for the tests that failed, by what pytest wrote; a part that was killed has written nothing."""
    lines = []
    for file in reports:
        if not file.exists():
            lines.append(f"{file.stem}: ended without a report")
            continue
        for case in ElementTree.parse(file).iter("testcase"):
            for outcome in (*case.iterfind("failure"), *case.iterfind("error")):
                lines.append(
                    f"{case.get('classname')}::{case.get('name')} ({float(case.get('time', 0)):.0f} s)"
                )
                lines += [f"    {line}" for line in wrong(outcome.text or outcome.get("message") or "")]
    return lines


def wrong(text: str) -> list[str]:
    """The lines of a failure that pytest marks as the error, else its last ones."""
    lines = text.splitlines()
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines)[-LINES:]
