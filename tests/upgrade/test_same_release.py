"""`up` changes no cloud's release: neither by a file that says another one, nor by a newer default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onestack.core.errors import BadInput
from onestack.core.paths import Paths
from onestack.platform.choices import Choices, choices_file, with_its_release
from onestack.platform.choose import require_same_release
from onestack.spec import loads


def chosen(series: str) -> Choices:
    place = f"/var/cache/onestack/{series}"
    return Choices(
        "c1", "qemu", "netdev", True, f"{place}/base-1", f"{place}/openstack-1", f"{place}/runtime-1", {}
    )


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths.at(tmp_path)
    found.etc.mkdir(parents=True)
    return found


def test_another_release_is_refused_with_the_command_that_changes_it(paths: Paths) -> None:
    chosen("2026.1").save(choices_file(paths))
    with pytest.raises(BadInput, match=r"runs 2026\.1, and the spec says 2026\.2") as refused:
        require_same_release(paths, loads("version: 1\n"))
    assert "onestack upgrade --to 2026.2" in refused.value.hint


def test_an_older_one_is_refused_without_a_command_that_cannot_be(paths: Paths) -> None:
    chosen("2026.2").save(choices_file(paths))
    with pytest.raises(BadInput, match=r"runs 2026\.2, and the spec says 2026\.1") as refused:
        require_same_release(paths, loads('platform: {release: "2026.1"}\n'))
    assert "upgrade" not in refused.value.hint and 'release: "2026.2"' in refused.value.hint


@pytest.mark.parametrize("series", ["2026.1", "2026.2"])
def test_its_own_release_is_not(paths: Paths, series: str) -> None:
    chosen(series).save(choices_file(paths))
    require_same_release(paths, loads(json.dumps({"version": 1, "platform": {"release": series}})))
    assert Choices.load(choices_file(paths)).series == series


def test_a_spec_without_a_release_has_that_of_its_cloud() -> None:
    kept = loads("version: 1\n")
    assert with_its_release(kept, chosen("2026.1")).platform.release == "2026.1"
    assert with_its_release(kept, chosen("2026.2")) is kept
