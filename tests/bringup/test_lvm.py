"""Volume groups of the machine: what Cinder is told, and what `up` asks the machine first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from onestack.core.errors import PermanentError
from onestack.core.events import Event, silent
from onestack.platform import lvm, takedown
from onestack.platform.services import volumes
from onestack.platform.site import Site

SPEC = """\
platform:
  volumes:
    backends:
      - {name: files}
      - {name: fast, driver: lvm, volume_group: vg-1}
"""
VGS = """\
#!/bin/sh
for name; do :; done
[ "$name" = vg-1 ] && echo "  vg-1 100.00g 40.00g" && exit
echo "  Volume group \\"$name\\" not found" >&2
exit 5
"""


@pytest.fixture
def grouped(
    make: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Site]:
    """A cloud with a volume group, by its spec; the machine has the group vg-1."""
    program = tmp_path / "bin/vgs"
    program.parent.mkdir()
    program.write_text(VGS)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return lambda text: make(text)


def test_its_volumes_are_thin_and_in_its_group(grouped: Callable[[str], Site]) -> None:
    sections = volumes.backends(grouped(SPEC).view)
    assert (sections["fast"]["volume_group"], sections["fast"]["lvm_type"]) == ("vg-1", "thin")
    assert "volume_group" not in sections["files"]


def test_the_machine_is_asked_for_the_group(grouped: Callable[[str], Site]) -> None:
    said: list[Event] = []
    site = grouped(SPEC)
    lvm.check_groups(site, site.leader, said.append)
    assert said[-1].message == "vg-1 100.00g 40.00g"


def test_a_group_that_is_not_there_is_said_in_lvms_words(grouped: Callable[[str], Site]) -> None:
    with pytest.raises(
        PermanentError, match="the volume group 'vg-2' of the backend 'fast' cannot be used"
    ) as refused:
        site = grouped(SPEC.replace("vg-1", "vg-2"))
        lvm.check_groups(site, site.leader, silent)
    assert 'Volume group "vg-2" not found' in refused.value.detail
    assert "spec.yaml:5" in str(refused.value.where)


def test_a_machine_without_lvm_is_told_what_it_needs(
    grouped: Callable[[str], Site], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site = grouped(SPEC)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentError) as refused:
        lvm.check_groups(site, site.leader, silent)
    assert "vgs is not installed" in refused.value.detail
    assert "lvm2" in refused.value.hint


def test_destroy_says_what_stays(grouped: Callable[[str], Site]) -> None:
    site = grouped(SPEC)
    assert takedown.kept_elsewhere(site.paths) == []
    (site.paths.etc / "cloud.yaml").write_text(SPEC)
    site.leader.choices.save(site.paths.etc / "choices.json")
    assert takedown.kept_elsewhere(site.paths) == ["the volume group 'vg-1'"]
