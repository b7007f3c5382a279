"""Which pages a newcomer follows, and what of them a test cannot."""

from __future__ import annotations

from pathlib import Path

from newcomer import pages

CLONE = Path(__file__).parents[2]
README, TUTORIAL = "README.md", "docs/tutorial.md"

LEFT_OUT = {
    "./onestack test": "it runs this",
    "./onestack bench elastic --live": "minutes of load; tests/cloud/test_scaling.py steps the load on a group",
    "./onestack verify --tempest smoke": "installs Tempest, and runs for many minutes",
    "./onestack destroy --purge": "the cache is that of every cloud of this machine",
}
"""What the README says and these tests do not do, with the reason."""
LAST = "./onestack destroy"
"""What the README says last: until then the cloud goes through all the rest."""


def steps_of(name: str) -> list[pages.Step]:
    """What a page says, without what is left out here."""
    return [step for step in all_of(name) if not (isinstance(step, pages.Command) and step.text in LEFT_OUT)]


def all_of(name: str) -> list[pages.Step]:
    """All that a page says."""
    return pages.steps((CLONE / name).read_text(), name)
