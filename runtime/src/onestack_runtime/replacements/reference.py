"""The registry as a page of the documentation: docs/reference/replacements.md.

python -m onestack_runtime.replacements.reference     # prints the page
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from onestack_runtime import contract
from onestack_runtime.replacements.entry import Replacement
from onestack_runtime.replacements.registry import ALL

HEAD = """\
# Replaced functions of OpenStack

OpenStack's packages are unmodified on disk. When its processes start, {functions} attributes of theirs (functions,
and a few classes and constants) are replaced by OneStack's own. {required} of the entries are required: without them
a process does not work properly. {performance} are for performance alone: `platform.tuning: none` starts without
them ({variable} in the processes).

Each entry was written and tested against upstream code with a known digest. If the digest differs, a performance
entry is skipped and `onestack status` warns of it; with a required entry the process does not start, and its log
says why. `onestack status --json` lists the entries that are active in each process, and those that were skipped.
"""


def page(entries: tuple[Replacement, ...] = ALL) -> str:
    """The page's text."""
    head = HEAD.format(
        functions=len({name for each in entries for name in each.targets}),
        required=sum(each.kind == "required" for each in entries),
        performance=sum(each.kind == "performance" for each in entries),
        variable=f"`{contract.TUNING}`",
    )
    return (
        "\n".join([head, *_section("required", entries), *_section("performance", entries)]).rstrip() + "\n"
    )


def _section(kind: str, entries: tuple[Replacement, ...]) -> Iterator[str]:
    yield f"## {kind.capitalize()}\n"
    for each in entries:
        if each.kind == kind:
            yield from _entry(each)


def _entry(each: Replacement) -> Iterator[str]:
    yield f"### `{each.name}`\n"
    yield f"{each.reason[0].upper()}{each.reason[1:]}.\n"
    yield f"- in: {', '.join(each.runners)}"
    if each.workers:
        yield f"- for the workers: {', '.join(each.workers)}"
    if each.alone:
        yield "- only where one process is all of its project: not in a cloud of several hosts"
    yield from (f"- replaces: `{target}`" for target in each.targets)
    if each.gain:
        yield f"- gain: {each.gain}"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())
