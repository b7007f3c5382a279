"""What an upgrade in each of its states refuses, with what to do instead. Nothing is changed then."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.health.upgrade import check, journal
from onestack.health.upgrade.journal import FORWARD, Journal
from onestack.health.upgrade.operations import Upgrading
from onestack.platform import site
from onestack.platform.choices import Choices, choices_file

OLDER, NEWER = "2026.1", "2026.2"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A cloud of the older series that does not run."""
    found = Paths.at(tmp_path / "root", tmp_path / "cache")
    found.etc.mkdir(parents=True)
    found.lib.mkdir(parents=True)
    site.spec_file(found).write_text(f'platform: {{release: "{OLDER}"}}\n')
    store = found.release(OLDER)
    Choices(
        "c1", "qemu", "netdev", True, f"{store}/base-1", f"{store}/openstack-1", f"{store}/runtime-1", {}
    ).save(choices_file(found))
    # A look at it makes the secrets that it lacks.
    assert site.load(found).view.cloud.secrets
    return found


def kept(paths: Paths) -> dict[str, bytes]:
    return {
        str(each): each.read_bytes()
        for each in paths.root.rglob("*")
        if each.is_file() and each != paths.lock
    }


def refusal(call: object, *words: str, **named: object) -> BadInput:
    with pytest.raises(BadInput) as refused:
        call(*words, **named)  # type: ignore[operator]
    return refused.value


def test_without_an_upgrade_there_is_nothing_to_end(paths: Paths) -> None:
    before = kept(paths)
    assert Upgrading(paths).status() is None
    for call in (Upgrading(paths).commit, Upgrading(paths).rollback):
        assert "only a backup goes back" in refusal(call).hint
    assert kept(paths) == before


def test_a_cloud_that_does_not_run_is_not_upgraded(paths: Paths) -> None:
    before = kept(paths)
    assert "onestack up" in refusal(Upgrading(paths).upgrade, NEWER).hint
    assert "onestack up" in refusal(Upgrading(paths).check, NEWER).hint
    assert kept(paths) == before


@pytest.mark.parametrize("series", ["2025.2", "2031.1"])
def test_a_series_that_there_is_not_is_refused(paths: Paths, series: str) -> None:
    before = kept(paths)
    assert NEWER in refusal(Upgrading(paths).upgrade, series).hint
    assert kept(paths) == before


def test_the_build_that_runs_is_refused(paths: Paths) -> None:
    store = paths.release(OLDER)
    packages, runtime = (str(store / name) for name in check.build(site.load(paths), OLDER))
    Choices("c1", "qemu", "netdev", True, f"{store}/base-1", packages, runtime, {}).save(choices_file(paths))
    assert "already" in str(refusal(Upgrading(paths).upgrade, OLDER))


def test_an_interrupted_one_goes_on_or_back_and_nothing_else(paths: Paths) -> None:
    journal.save(paths, Journal(OLDER, NEWER, done=FORWARD[:4]))
    before = kept(paths)
    assert f"--to {NEWER}" in refusal(Upgrading(paths).upgrade, OLDER).hint
    assert "goes on" in refusal(Upgrading(paths).commit).hint
    assert "onestack up" in refusal(Upgrading(paths).upgrade, NEWER).hint
    assert journal.warnings(paths) == [
        f"an upgrade from {OLDER} to {NEWER}: interrupted before or in the step exchange"
    ]
    assert kept(paths) == before


def test_one_that_waits_for_its_end_is_ended_first(paths: Paths) -> None:
    journal.save(paths, Journal(OLDER, NEWER, done=FORWARD))
    assert "upgrade commit" in refusal(Upgrading(paths).upgrade, NEWER).hint
    assert "upgrade commit" in refusal(Upgrading(paths).check, NEWER).hint


def test_one_on_its_way_back_goes_back(paths: Paths) -> None:
    journal.save(paths, Journal(OLDER, NEWER, done=FORWARD[:5]).turned("why", "packages"))
    assert "rollback" in refusal(Upgrading(paths).upgrade, NEWER).hint
    assert "rollback" in refusal(Upgrading(paths).commit).hint


def test_before_anything_was_exchanged_the_way_back_only_forgets_it(paths: Paths) -> None:
    before = kept(paths)
    journal.save(paths, Journal(OLDER, NEWER, done=FORWARD[:2]))
    assert Upgrading(paths).rollback().older == OLDER
    assert kept(paths) == before
