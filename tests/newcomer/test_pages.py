"""Pages are read as their readers read them; what they cannot be held to is said with its reason."""

from __future__ import annotations

import pytest

from newcomer import pages
from newcomer.guide import LAST, LEFT_OUT, README, TUTORIAL, all_of, steps_of
from newcomer.pages import Command, File

PAGE = """\
# A page

Put this into `cloud.yaml`, as root:

```yaml
name: here

tenants: []
```

Say this, and `not this`:

    onestack plan cloud.yaml --detailed-exitcode   # exit status 2

```text
  + tenant shop  cloud.yaml:3
Plan: 1 to add in … and so on
```

- a list
  goes on

And this:

    ./onestack exec openstack floating ip create public      # prints the address
    ./onestack exec curl -s 'http://ADDRESS/#top'     # hostname=first address=10.1.0.…
    ./onestack status        # every process; exit status 0, 1 or 3
"""


def test_a_page_is_commands_files_and_answers_in_their_order() -> None:
    assert pages.steps(PAGE, "page.md") == [
        File("page.md:5", "cloud.yaml", "name: here\n\ntenants: []\n"),
        Command(
            "page.md:13",
            "onestack plan cloud.yaml --detailed-exitcode",
            "exit status 2",
            ("  + tenant shop  cloud.yaml:3", "Plan: 1 to add in"),
        ),
        Command("page.md:25", "./onestack exec openstack floating ip create public", "prints the address"),
        Command(
            "page.md:26",
            "./onestack exec curl -s 'http://ADDRESS/#top'",
            "hostname=first address=10.1.0.…",
            ("hostname=first address=10.1.0.",),
        ),
        Command("page.md:27", "./onestack status", "every process; exit status 0, 1 or 3"),
    ]


@pytest.mark.parametrize(
    ("comment", "status", "prints"),
    [
        ("", 0, ""),
        ("exit status 2", 2, ""),
        ("what differs; exit status 2", 2, ""),
        ("exit status 0, 1 or 3", 0, ""),
        ("prints the address", 0, "address"),
    ],
)
def test_comments_say_what_is_expected(comment: str, status: int, prints: str) -> None:
    found = Command("page.md:1", "onestack status", comment)
    assert (found.status, found.prints) == (status, prints)


@pytest.mark.parametrize(
    ("text", "is_up"),
    [
        ("./onestack up", True),
        ("onestack up --root /srv/second", True),
        ("./onestack upgrade", False),
        ("./onestack exec uptime", False),
    ],
)
def test_an_up_is_known(text: str, is_up: bool) -> None:
    assert Command("page.md:1", text).brings_up is is_up


def test_an_answer_needs_a_command_and_a_file_a_name() -> None:
    with pytest.raises(ValueError, match=r"p.md:1: an answer without a command"):
        pages.steps("```text\nyes\n```\n", "p.md")
    with pytest.raises(ValueError, match=r"p.md:1: no name of a file"):
        pages.steps("```yaml\na: b\n```\n", "p.md")


def test_placeholders_are_filled_with_what_was_printed() -> None:
    table = """\
+---------------------+--------------------------------------+
| Field               | Value                                |
+---------------------+--------------------------------------+
| fixed_ip_address    | None                                 |
| floating_ip_address | 172.24.4.131                         |
| id                  | 4d1a8b8e-0000-0000-0000-000000000000 |
+---------------------+--------------------------------------+
"""
    assert pages.printed("address", table) == "172.24.4.131"
    assert pages.printed("address", "172.24.4.7\n") == "172.24.4.7"
    with pytest.raises(ValueError, match="no name in"):
        pages.printed("name", table)
    values = {"address": "172.24.4.131"}
    assert pages.filled("curl http://ADDRESS/ HOST", values) == "curl http://172.24.4.131/ HOST"


@pytest.mark.parametrize("page", [README, TUTORIAL])
def test_every_placeholder_is_printed_by_an_earlier_command(page: str) -> None:
    known: set[str] = set()
    for step in steps_of(page):
        if isinstance(step, Command):
            assert {word.lower() for word in pages.PLACEHOLDER.findall(step.text)} <= known, step
            known.add(step.prints)


def test_both_pages_say_something_and_what_is_left_out_stands_in_them() -> None:
    said = {
        page: [one.text for one in all_of(page) if isinstance(one, Command)] for page in (README, TUTORIAL)
    }
    assert all(len(commands) > 8 for commands in said.values())
    assert set(LEFT_OUT) <= {*said[README], *said[TUTORIAL]}
    followed = [one.text for one in steps_of(README) if isinstance(one, Command)]
    assert followed[0] == "./onestack up"
    assert followed[-1] == LAST
