"""What a page tells its reader to do, as steps in their order: commands, files to write, answers to see.

How a page marks them (CONTRIBUTING.md says it to those who write pages):

- An indented line is a command. What follows its ` # ` is a comment.
- "exit status 2" at the end of a comment: the command ends so. Without it: with 0.
- "prints the address" in a comment: from here on the word ADDRESS in a command stands for what was printed.
- A comment with … in it is the answer: what stands before the … is in what the command prints.
- A block marked `text` is the answer to the command before it, each line as far as its ….
- A block marked `yaml` is a file; its name is the last one in backticks before it that ends in `.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

MORE = "…"
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b")


@dataclass(frozen=True)
class Command:
    """A line that is typed. `where`: page and line, as in README.md:30."""

    where: str
    text: str
    comment: str = ""
    answers: tuple[str, ...] = ()
    """What must stand in what it prints."""

    @property
    def status(self) -> int:
        """The exit status that the page tells of."""
        found = re.search(r"exit status (\d)$", self.comment)
        return int(found[1]) if found else 0

    @property
    def prints(self) -> str:
        """What it prints that later commands use, in lower case; empty for most."""
        found = re.search(r"\bprints the (\w+)", self.comment)
        return found[1].lower() if found else ""

    @property
    def brings_up(self) -> bool:
        """Whether it is an `up`, which may be said again at any time."""
        return bool(re.match(r"(\./)?onestack up\b", self.text))


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    where: str
    name: str
    text: str


Step = Command | File


def steps(text: str, page: str) -> list[Step]:
    """Everything that the page tells its reader to do. Raises ValueError for a block that cannot be followed."""
    found: list[Step] = []
    name = ""
    for number, kind, block in _blocks(text):
        where = f"{page}:{number}"
        if kind == "prose":
            name = (re.findall(r"`([\w./-]+\.yaml)`", block) or [name])[-1]
        elif kind == "indented":
            found += [_command(f"{page}:{number + at}", line) for at, line in enumerate(block.splitlines())]
        elif kind == "yaml":
            if not name:
                raise ValueError(f"{where}: no name of a file before its text")
            found.append(File(where, name, block))
        elif kind == "text":
            if not found or not isinstance(last := found[-1], Command):
                raise ValueError(f"{where}: an answer without a command before it")
            found[-1] = replace(last, answers=(*last.answers, *map(_as_far, block.splitlines())))
    return found


def _as_far(line: str) -> str:
    return line.partition(MORE)[0].rstrip()


def _command(where: str, line: str) -> Command:
    text, _, comment = line.partition(" # ")
    answers = (_as_far(comment.strip()),) if MORE in comment else ()
    return Command(where, text.strip(), comment.strip(), answers)


def _blocks(text: str) -> Iterator[tuple[int, str, str]]:
    """(number of its first line, kind, text) of each paragraph, indented block and fenced block (kind: its mark)."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        begin = at
        if mark := re.match(r"^```(\w*)$", lines[at]):
            at = next(n for n in range(begin + 1, len(lines)) if lines[n] == "```")
            yield begin + 1, mark[1], "\n".join(lines[begin + 1 : at]) + "\n"
            at += 1
        elif lines[at].startswith("    "):
            while at < len(lines) and lines[at].startswith("    "):
                at += 1
            yield begin + 1, "indented", "\n".join(line.strip() for line in lines[begin:at])
        elif lines[at].strip():
            while at < len(lines) and lines[at].strip() and not lines[at].startswith("```"):
                at += 1
            yield begin + 1, "prose", "\n".join(lines[begin:at])
        else:
            at += 1


def filled(text: str, values: Mapping[str, str]) -> str:
    """A command with its placeholders filled: ADDRESS by values["address"]."""
    return PLACEHOLDER.sub(lambda word: values.get(word[0].lower(), word[0]), text)


def printed(word: str, output: str) -> str:
    """The value that a command printed: of the table's first row that has one and whose name ends in `word`.

    Output without a table is the value itself. Raises ValueError if there is none.
    """
    rows = re.findall(r"^\|\s*(\S+)\s*\|\s*(.*?)\s*\|\s*$", output, re.M)
    for name, value in rows:
        if name.lower().endswith(word) and value not in ("", "None"):
            return str(value)
    if not rows and (lines := output.split()):
        return lines[-1]
    raise ValueError(f"no {word} in:\n{output}")
