"""Records what the commands really say, and draws it: how docs/images/*.svg are made.

    .venv/bin/python docs/images/record.py run up.ansi up --root /srv/picture
    .venv/bin/python docs/images/record.py draw up.ansi docs/images/up.svg /srv/picture

A picture shows the cloud under the default root, whatever root it was recorded under.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

NARROWEST, WIDEST = 80, 160
"""Columns of a picture; it is as wide as what it shows."""
_PLAIN = TerminalTheme(
    (16, 20, 24),
    (201, 209, 217),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
)


def run(file: Path, words: list[str]) -> None:
    """Run a command of the tool in this process and keep what it printed, with its colours, in `file`."""
    from onestack.cli import view
    from onestack.cli.all import main

    view.out.record = True
    view.out.width = WIDEST
    sys.argv = ["onestack", *words]
    with contextlib.suppress(SystemExit):
        main()
    file.write_text(view.out.export_text(styles=True))


def draw(recording: Path, target: Path, root: str) -> None:
    """Draw a recording, after the command (the file's name) that it came from."""
    said = Text.from_ansi(shown(recording.read_text().rstrip(), root))
    width = max(NARROWEST, *(len(line) for line in said.plain.splitlines()))
    console = Console(record=True, width=width, file=io.StringIO(), highlight=False)
    console.print(Text.assemble(("# ", "dim"), (f"./onestack {recording.stem}", "bold")))
    console.print(said, soft_wrap=True)
    svg = console.export_svg(title="onestack", theme=_PLAIN, unique_id=target.stem)
    # The picture stands for itself: it fetches nothing, and names nobody.
    svg = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.S)
    target.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def shown(text: str, root: str) -> str:
    """The text as it is with the default root."""
    return text.replace(f" --root {root}", "").replace(root, "")


if __name__ == "__main__":
    if sys.argv[1] == "run":
        run(Path(sys.argv[2]), sys.argv[3:])
    else:
        draw(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
