"""The docs are true where a program can tell: commands, options, links, variables, specs, quoted messages."""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from onestack import spec
from onestack.cli.all import main  # noqa: F401 - adds the commands
from onestack.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LAUNCHER = {"test": {"--cluster", "--fast", "--long"}}
"""What `./onestack` itself understands: its words and their options. More words are pytest's."""
WORDS_OF_PYTEST = {"-k", "-x"}
# A heading of docs/troubleshoot.md that quotes messages of ours, some of them several.
QUOTE = re.compile(r"`([^`]+)`")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(text: str) -> Iterator[str]:
    """The lines of code blocks (fenced or indented) and the spans between backticks."""
    fenced = re.compile(r"^```.*?^```", re.M | re.S)
    for block in fenced.findall(text):
        yield from block.splitlines()[1:-1]
    rest = fenced.sub("", text)
    for line in rest.splitlines():
        if line.startswith("    "):
            yield line.strip()
        else:
            yield from re.findall(r"`([^`]+)`", line)


def calls(text: str) -> Iterator[list[str]]:
    """The words after `onestack` of each call in code, without comments and what it is piped into."""
    for line in code(text):
        for found in re.finditer(r"(?:^|(?<!from)[\s(/\"])onestack +((?!_)[a-z-].*)", line):
            words = re.split(r"\s#|&&|\||;|>|\)\"|…", found[1])[0]
            try:
                yield shlex.split(words)
            except ValueError:
                yield words.split()


def options_of(command: click.Command) -> set[str]:
    context = click.Context(command)
    return {name for each in command.get_params(context) for name in (*each.opts, *each.secondary_opts)}


def mistakes(words: list[str]) -> Iterator[str]:
    """What is wrong with a call."""
    name, *rest = words
    if name in LAUNCHER:
        known = LAUNCHER[name] | WORDS_OF_PYTEST
    elif name in cli.commands:
        command = cli.commands[name]
        if isinstance(command, click.Group) and rest:
            word: str | None = rest[0]
            # As click itself does: after `scale` a word that is no command is the name of a scaling group.
            with contextlib.suppress(click.UsageError):
                word, _, rest = command.resolve_command(click.Context(command), rest)
            if word not in command.commands:
                yield f"{name} has no command {word}"
                return
            command = command.commands[word]
        known = options_of(command) | {"--help"}
        if not command.context_settings.get("allow_interspersed_args", True):
            rest = own_words(rest)
    else:
        yield f"there is no command {name}"
        return
    for word in rest:
        if word.startswith("-") and word.partition("=")[0] not in known:
            yield f"{name} has no option {word}"


def own_words(words: list[str]) -> list[str]:
    """Of `exec`: the words before the program's name."""
    own = []
    while words and words[0].startswith("-"):
        own += words[: 2 if words[0] == "--root" else 1]
        words = words[2 if words[0] == "--root" else 1 :]
    return own


def test_there_are_pages_and_calls_in_them() -> None:
    assert {"README.md", "operate.md", "install.md", "spec.md"} <= {page.name for page in PAGES}
    said = [words[0] for page in PAGES for words in calls(page.read_text())]
    assert len(said) > 80
    assert set(said) == {*cli.commands, *LAUNCHER}, "each command stands somewhere in the docs"


@each_page
def test_commands_and_options_exist(page: Path) -> None:
    wrong = [wrong for words in calls(page.read_text()) for wrong in mistakes(words)]
    assert not wrong


def test_a_wrong_call_would_be_found() -> None:
    text = "    ./onestack frobnicate\n\nand `onestack up --fast`\n\n    onestack exec --json openstack --os-cloud\n"
    assert [wrong for words in calls(text) for wrong in mistakes(words)] == [
        "there is no command frobnicate",
        "up has no option --fast",
    ]


def test_every_option_is_told_of() -> None:
    text = (ROOT / "docs/operate.md").read_text()
    for name, command in cli.commands.items():
        longest = {max(each.opts, key=len) for each in command.params if isinstance(each, click.Option)}
        short = {option for each in command.params for option in each.opts if len(option) == 2}
        missing = [
            one for one in longest if one not in text and one not in ("--follow", "--lines", "--since")
        ]
        assert not missing, name
        assert all(one in text for one in short), name


def anchors(page: Path) -> set[str]:
    """The names that headings have as targets of links."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(text: str) -> list[str]:
    plain = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.findall(r"\]\(([^)\s]+)\)", plain)


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page.read_text()):
        file, _, anchor = link.partition("#")
        target = (page.parent / file) if file else page
        assert not re.match(r"[a-z]+:", link), f"{link}: the docs need no network"
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        ahead += [page.parent / link.partition("#")[0] for link in links(page.read_text()) if link[0] != "#"]
    assert {page.resolve() for page in PAGES} <= seen
    assert ROOT / "docs/reference/spec.md" in seen


def sources() -> str:
    files = [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "runtime").rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
    ]
    return "\n".join(file.read_text() for file in [*files, ROOT / "onestack"] if file != Path(__file__))


def test_environment_variables_exist() -> None:
    named = {name for page in PAGES for name in re.findall(r"\bONESTACK_[A-Z_]+\b", page.read_text())}
    known = set(re.findall(r"\bONESTACK_[A-Z_]+\b", sources()))
    assert "ONESTACK_CACHE" in named
    assert named <= known


@each_page
def test_files_named_in_the_repository_exist(page: Path) -> None:
    named = re.findall(r"`((?:src|runtime|releases|tests|bench|examples|docs)/[\w./-]+)`", page.read_text())
    assert not [name for name in named if not (ROOT / name).exists()]


@each_page
def test_specs_in_the_docs_are_right(page: Path) -> None:
    for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S):
        assert spec.loads(text, page.name).platform.services


@cache
def messages() -> tuple[str, ...]:
    """Every text in the sources, as a pattern: what is filled in may be anything."""
    found: set[str] = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [re.escape(p.value) if isinstance(p, ast.Constant) else "…" for p in node.values]
                found.add("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(re.escape(node.value))
    return tuple(found)


def is_said(quoted: str) -> bool:
    """Whether some text of ours can read like `quoted`, in which … stands for what varies."""
    wanted = [part for part in quoted.split("…") if part.strip(" ():;'")]
    pattern = ".*".join(re.escape(re.escape(part.strip())) for part in wanted)
    return any(re.search(pattern, text) for text in messages())


def test_quoted_messages_are_the_programs() -> None:
    headings = re.findall(r"^### (.*`.*)$", (ROOT / "docs/troubleshoot.md").read_text(), re.M)
    quoted = [each for heading in headings for each in QUOTE.findall(heading)]
    assert len(quoted) > 30
    assert is_said("this needs root")
    assert not is_said("this wants root")
    ours = [each for each in quoted if "SecurityGroup" not in each]
    assert not [each for each in ours if not is_said(each)]
