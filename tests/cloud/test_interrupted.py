"""An `up` that is cut off, again and again, comes up in the end; one that is given up goes without a trace."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import health, roots
from cloud.command import lines, start, succeed
from newcomer import machine, running
from onestack import Cloud

pytestmark = pytest.mark.cloud

MOMENTS = (
    ("choices", signal.SIGKILL),
    ("folders and configuration", signal.SIGKILL),
    ("mariadb", signal.SIGINT),
    ("databases", signal.SIGKILL),
    ("keystone", signal.SIGINT),
    ("neutron", signal.SIGKILL),
    ("image", signal.SIGKILL),
)
"""Steps at whose start `up` is ended, and how."""


@pytest.fixture
def root(cloud_roots: Path) -> Iterator[Path]:
    place = cloud_roots / "cut"
    yield place
    if place.exists():
        roots.take_away(place)


def cut(root: Path, step: str, how: signal.Signals, *words: str) -> None:
    """Run `up` until a step begins, and end it there."""
    seen = []
    with start(root, "up", *words, "--json") as command:
        try:
            assert command.stdout is not None
            for line in command.stdout:
                seen.append(line)
                event = json.loads(line)
                if (event.get("step"), event.get("state")) == (step, "started"):
                    command.send_signal(how)
                    break
            status = command.wait(timeout=120)
        except subprocess.TimeoutExpired:
            command.kill()
            raise
    assert status == (130 if how == signal.SIGINT else -how), "".join(seen)


def test_up_comes_up_after_having_been_cut_off_at_every_step(root: Path) -> None:
    for step, how in MOMENTS:
        cut(root, step, how)
    said = lines(succeed(root, "up", "--json"))
    assert not [each for each in said if each.get("state") == "failed"]
    health.wait_healthy(Cloud(root))
    # Flavors, network and image once each, whatever was half made.
    admin = Cloud(root)
    names = admin.run(lambda: [image.name for image in admin.connect().image.images()])
    assert names == ["tiny"]


@pytest.mark.parametrize("step", ["databases", "nova"])
def test_a_half_made_cloud_goes_without_a_trace(root: Path, step: str) -> None:
    before = machine.look()
    cut(root, step, signal.SIGKILL)
    assert running.of_root(root)
    succeed(root, "destroy", "--yes", "--json")
    assert not root.exists()
    assert running.of_root(root) == []
    assert machine.left(before, machine.look()) == {}


def test_destroying_nothing_is_no_error(root: Path) -> None:
    succeed(root, "destroy", "--yes", "--json")
    assert not root.exists()
