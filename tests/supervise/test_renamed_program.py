"""A program that a newer version calls otherwise is replaced by the next `up`: there are never two of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.core.wait import until
from onestack.host.supervisor import Program, Supervisor, configuration
from onestack.platform.site import Site
from onestack.platform.watchers import AUTOSCALER, KEEPER, begin_scaling

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="supervisord sets its user: needs root")
BEFORE = "scaler"
"""What the autoscaler's program was called in clouds that an older version brought up."""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    paths = Paths.at(tmp_path)
    for folder in (paths.run, paths.log):
        folder.mkdir(parents=True)
    made = Supervisor(paths)
    yield made
    # One by one first: what supervisord had not ended when it is killed would stay.
    for name in made.programs():
        made.stop(name)
    made.end(seconds=2)


def configured(supervisor: Supervisor, tmp_path: Path, *names: str) -> None:
    """What `up` does: the configuration is written, and supervisord made to know it."""
    paths = Paths.at(tmp_path)
    programs = [Program(name, ("sleep", "600"), {}, paths.log / f"{name}.log") for name in names]
    supervisor.configure(configuration(programs, paths.run, paths.log))
    supervisor.start()


def running(supervisor: Supervisor, name: str) -> int:
    """Its process id, once it is the program: before that a signal to end it is lost on supervisord's own handler."""
    supervisor.launch(name)

    def state() -> tuple[bool, str]:
        there = supervisor.program(name)
        comm = Path(f"/proc/{there.pid if there else 0}/comm")
        return comm.exists() and comm.read_text() == "sleep\n", str(there)

    until(f"{name} to run", state, seconds=20)
    found = supervisor.program(name)
    assert found is not None
    return found.pid


def test_scaling_groups_in_a_cloud_of_an_older_version_ask_for_up_first(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    configured(supervisor, tmp_path, KEEPER, BEFORE)
    # All that is asked of a site here.
    site = cast(Site, SimpleNamespace(paths=Paths.at(tmp_path), here=SimpleNamespace(supervisor=supervisor)))
    site.paths.etc.mkdir(parents=True)
    with pytest.raises(PermanentError, match="another version of OneStack") as caught:
        begin_scaling(site)
    assert "onestack up" in caught.value.hint
    configured(supervisor, tmp_path, KEEPER, AUTOSCALER)
    begin_scaling(site)
    begun = supervisor.program(AUTOSCALER)
    assert begun is not None
    assert begun.pid == running(supervisor, AUTOSCALER) > 0


def test_the_autoscaler_takes_the_place_of_the_scaler_of_an_older_version(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    configured(supervisor, tmp_path, KEEPER, BEFORE)
    old = running(supervisor, BEFORE)
    kept = running(supervisor, KEEPER)

    configured(supervisor, tmp_path, KEEPER, AUTOSCALER)
    assert not Path(f"/proc/{old}").exists(), "ended before the new one can be started"
    assert set(supervisor.programs()) == {KEEPER, AUTOSCALER}
    new = running(supervisor, AUTOSCALER)
    assert new != old
    assert running(supervisor, KEEPER) == kept, "what is called the same goes on"
