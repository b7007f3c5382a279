"""A volume moves from one backend to another, also under a guest that has it; what was written moves with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud import guests, roots, volumes
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud

HERE, THERE = "fast", "archive"
SPEC = f"""\
name: two
platform:
  exclude: [dashboard, load-balancer]
  volumes: {{backends: [{{name: {HERE}}}, {{name: {THERE}}}]}}
"""


@pytest.fixture(scope="module")
def two(cloud_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with two backends."""
    file = tmp_path_factory.mktemp("two") / "two.yaml"
    file.write_text(SPEC)
    place = cloud_roots / "two"
    found = Cloud(place)
    try:
        found.up(file)
        yield found
    finally:
        roots.take_away(place)


@pytest.fixture(scope="module")
def writer(two: Cloud) -> guests.Guest:
    return guests.start(two)


def files(cloud: Cloud, backend: str) -> list[str]:
    folder: Path = cloud.paths.data / "cinder/volumes" / backend
    return [path.name for path in folder.glob("volume-*")]


@pytest.mark.parametrize("attached", [False, True], ids=["free", "attached"])
def test_another_type_moves_it_with_what_it_holds(two: Cloud, writer: guests.Guest, attached: bool) -> None:
    def work() -> None:
        admin = two.connect()
        storage = admin.block_storage
        with volumes.nothing_left(admin, writer.server):
            volume = volumes.made(admin)
            disk = volumes.attached(admin, writer.server, volume)
            volumes.guest_says(writer, disk, guests.TOKEN)
            if not attached:
                volumes.detached(admin, writer.server, volume)
            assert (len(files(two, HERE)), len(files(two, THERE))) == (1, 0)
            storage.retype_volume(volume, THERE, "on-demand")

            def moved() -> tuple[bool, str]:
                now = storage.get_volume(volume)
                there = now.volume_type == THERE and now.status == ("in-use" if attached else "available")
                return there, f"{now.volume_type}, {now.status}, {now.migration_status}"

            until("the volume to be of the other type", moved, seconds=volumes.SECONDS, every=0.5)
            until(
                "its first file to be gone",
                lambda: ((left := files(two, HERE)) == [], str(left)),
                seconds=volumes.SECONDS,
                every=0.5,
            )
            assert storage.get_volume(volume).host.endswith(f"@{THERE}#{THERE}")
            assert len(files(two, THERE)) == 1
            if not attached:
                disk = volumes.attached(admin, writer.server, volume)
            volumes.guest_says(writer, disk, guests.TOKEN)

    two.run(work)
    assert files(two, THERE) == []
    assert two.check_volumes().left == ()
