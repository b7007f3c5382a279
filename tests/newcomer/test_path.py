"""A newcomer's first hour: README and tutorial followed word for word at the default root, and what comes after.

Clouds of other tests have roots, and so networks, of their own. They cannot show what happens on a user's machine.
These tests are one story: each goes on with the cloud that the one before it left.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloud import guests, health, power, roots
from newcomer import machine, pages, running
from newcomer.guide import CLONE, LAST, README, TUTORIAL, steps_of
from newcomer.reader import Reader
from onestack import Cloud
from onestack.host import namespace, processes

pytestmark = pytest.mark.cloud

REFUSED = {
    "hosts.yaml": "the spec gives the role control to c1",
    "three-control-hosts.yaml": "the spec gives the role control to c1",
    "reachable.yaml": "is not an address of this machine",
    "scale.yaml": "destroy it first, or bring up another one beside it with --root",
}
"""Examples that no newcomer's `up` takes as they are, and what it says then; it must leave the cloud alone."""
SECOND = Path("/srv/second")
"""The root of examples/beside.yaml, as its first line says."""


@dataclass
class Story:
    """The cloud, who reads, and the machine before the first command. `ended`: at which test it broke off."""

    cloud: Cloud
    reader: Reader
    before: machine.View
    seen: running.Seen
    ended: str = ""

    @contextmanager
    def goes_on(self, name: str) -> Iterator[None]:
        """A part of the story; none follows one that failed."""
        if self.ended:
            pytest.fail(f"cannot be tried: the story broke off at {self.ended}", pytrace=False)
        self.ended = name
        yield
        self.ended = ""

    def follow(self, step: pages.Step) -> str:
        """Do what a page says; an `up` twice, and the second time it must have nothing to do."""
        shown = self.reader.follow(step)
        self.seen.note(self.cloud)
        if isinstance(step, pages.Command) and step.brings_up:
            self.nothing_to_do(step)
        return shown

    def nothing_to_do(self, step: pages.Command) -> None:
        """The same `up` again changes nothing: no process, no resource."""
        before = health.pids(self.cloud)
        shown = self.reader.follow(step)
        applied = re.search(r"Applied: .*", shown)
        assert applied is None or "0 added, 0 changed, 0 destroyed" in applied[0], shown
        assert health.pids(self.cloud) == before

    def is_back(self, held: Mapping[str, set[str]]) -> None:
        """The cloud is well, holds what it held, and the README's first server answers."""
        health.wait_healthy(self.cloud)
        assert guests.resources(self.cloud) == held
        self.answers()

    def answers(self) -> None:
        """The cloud is well, and the README's first server answers."""
        health.wait_healthy(self.cloud)
        servers = self.cloud.connect().compute.servers(all_projects=True)
        (first,) = (each.id for each in servers if each.name == "first")
        guest = guests.Guest(first, "first", self.reader.values["address"])
        guests.wait_active(self.cloud, guest)
        guests.wait_answers(self.cloud, guest)


@pytest.fixture(scope="module")
def story(cloud_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    cloud = Cloud()
    if there := roots.at_default_root():
        pytest.fail(
            "this machine is not free: a cloud stands at the default root, which these tests need. "
            f"`./onestack destroy` takes it away with everything in it. There is: {', '.join(there)}",
            pytrace=False,
        )
    reader = Reader.at(CLONE, tmp_path_factory.mktemp("temporary"))
    with roots.default_root(cloud_roots):
        yield Story(cloud, reader, machine.look(), running.Seen(reader.environment))


def test_the_first_up_shows_no_secret_to_other_users(story: Story) -> None:
    """The README's first command, with an eye on every command line of this machine."""
    with story.goes_on("the first up"):
        first, *_ = steps_of(README)
        with running.command_lines() as shown:
            story.follow(first)
        health.wait_healthy(story.cloud)
        secrets = set(json.loads((story.cloud.paths.etc / "secrets.json").read_text()).values())
        assert len(shown) > 20
        assert not [line for line in shown if any(secret in line for secret in secrets)]


def test_the_readme(story: Story) -> None:
    """From the second command to the last but one; `down` stops everything, `up` brings the same cloud back."""
    with story.goes_on(README):
        held, secrets = {}, (story.cloud.paths.etc / "secrets.json").read_text()
        _, *steps, last = steps_of(README)
        for step in steps:
            assert isinstance(step, pages.Command)
            if step.text == "./onestack down":
                held = guests.resources(story.cloud)
            story.follow(step)
            if step.text == "./onestack down":
                assert not processes.inside(story.cloud.paths.run)
                assert story.cloud.site.leader.supervisor.pid is None
                assert not namespace.exists(story.cloud.paths)
                stopped = story.reader.type("./onestack status")
                assert (stopped.status, "not running" in stopped.output) == (3, True)
        assert held
        story.is_back(held)
        assert (story.cloud.paths.etc / "secrets.json").read_text() == secrets
        assert isinstance(last, pages.Command)


def test_up_brings_it_back_when_everything_was_killed(story: Story) -> None:
    with story.goes_on("kill -9 of everything"):
        held = guests.resources(story.cloud)
        power.kill(story.cloud)
        story.follow(pages.Command("kill -9", "./onestack up"))
        story.is_back(held)


def test_up_brings_it_back_after_a_reboot(story: Story) -> None:
    with story.goes_on("the reboot"):
        held = guests.resources(story.cloud)
        power.reboot(story.cloud)
        machine.reboot(story.before)
        story.follow(pages.Command("reboot", "./onestack up"))
        story.is_back(held)


def test_the_tutorial(story: Story, tmp_path: Path) -> None:
    with story.goes_on(TUTORIAL):
        story.reader.folder = tmp_path
        for step in steps_of(TUTORIAL):
            story.follow(step)
        story.reader.folder = CLONE


def test_every_example_after_each_other(story: Story) -> None:
    """By the command in its first lines where there is one; each `up` twice."""
    with story.goes_on("examples"):
        for example in sorted((CLONE / "examples").glob("*.yaml")):
            before = health.pids(story.cloud)
            if example.name in REFUSED:
                said = story.reader.type(f"./onestack up examples/{example.name}")
                assert said.status == 2, said.output
                assert REFUSED[example.name] in said.output
                assert health.pids(story.cloud) == before
            elif example.name == "beside.yaml":
                with second_cloud(story):
                    assert health.pids(story.cloud) == before
            else:
                story.follow(pages.Command(example.name, f"./onestack up examples/{example.name}"))
        # What there is changes meanwhile: the examples' scaling groups grow.
        story.answers()


@contextmanager
def second_cloud(story: Story) -> Iterator[None]:
    """examples/beside.yaml, as its first line says; that cloud is taken away after the body."""
    line = (CLONE / "examples/beside.yaml").read_text().splitlines()[0]
    assert f"onestack up --root {SECOND} examples/beside.yaml" in line
    try:
        story.reader.follow(pages.Command("beside.yaml", line[line.index("onestack up") :]))
        yield
    finally:
        story.reader.follow(pages.Command("beside.yaml", f"onestack destroy --root {SECOND} --yes"))
    assert not SECOND.exists()


def test_destroy_leaves_the_machine_as_it_was(story: Story) -> None:
    """The README's last command."""
    with story.goes_on("destroy"):
        story.seen.note(story.cloud)
        story.follow(pages.Command(README, LAST))
        assert machine.left(story.before, machine.look()) == {}
        assert story.seen.alive() == []
        temporary = Path(story.reader.environment["TMPDIR"])
        # uv's locks are for the next one who installs.
        assert [each.name for each in temporary.iterdir() if not re.match(r"uv-.*\.lock$", each.name)] == []
        assert not os.path.lexists("/run/onestack.lock")
