"""What failed in all parts of a run, each with its last words: shown once more at the end, where it is seen."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

LINES = 8
"""Of a failure, so many of its last lines that say what is wrong."""
WIDTH = 200
"""Characters of a line: a list that was not as expected may be printed in one."""


def report(file: Path) -> str:
    """The option that has pytest write its results to a file."""
    return f"--junitxml={file}"


def of(reports: Iterable[Path]) -> list[str]:
    """Lines for the tests that failed, by what pytest wrote; a part that was killed has written nothing."""
    lines: list[str] = []
    told: dict[str, str] = {}
    for file in reports:
        if not file.exists():
            lines.append(f"{file.stem}: ended without a report")
            continue
        for case in ElementTree.parse(file).iter("testcase"):
            for outcome in (*case.iterfind("failure"), *case.iterfind("error")):
                name = f"{case.get('classname')}::{case.get('name')}"
                why = "\n".join(
                    f"    {line[:WIDTH]}" for line in wrong(outcome.text or outcome.get("message") or "")
                )
                # Tests that share a cloud which did not come up all fail for the same reason.
                lines.append(f"{name} ({float(case.get('time', 0)):.0f} s)")
                lines.append(f"    as {told[why]}" if why in told else why)
                told.setdefault(why, name)
    return lines


def wrong(text: str) -> list[str]:
    """The lines of a failure that pytest marks as the error, else its last ones."""
    lines = text.splitlines()
    marked = [line[1:].strip() for line in lines if line.startswith("E ")]
    return (marked or lines)[-LINES:]
