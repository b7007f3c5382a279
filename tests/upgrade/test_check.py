"""What stops an upgrade before it begins."""

from __future__ import annotations

from pathlib import Path

from onestack.core import data
from onestack.health.upgrade import check
from onestack.health.upgrade.pair import Pair, SetBack
from onestack.host import base
from onestack.platform import databases

MIB = 1 << 20


def test_a_disk_that_is_too_full_stops_it() -> None:
    needed = [
        (Path("/var/lib"), 600 * MIB, "for the snapshot"),
        (Path("/cache"), 900 * MIB, "for the packages"),
    ]
    free = {"/var/lib": 599 * MIB, "/cache": 900 * MIB}
    assert check.short_of(free, needed) == ["/var/lib: 599 MiB free, 600 MiB needed for the snapshot"]


def test_it_says_how_it_is_undone() -> None:
    assert "what was made since is lost" in check._back(Pair("a", "b", additive=False))
    assert "with all that was made since" in check._back(Pair("a", "b"))
    assert "after 1 changes" in check._back(Pair("a", "b", back=(SetBack("compute", ""),)))


def test_schemas_of_a_newer_series_are_left_alone() -> None:
    """Its older migrations would not know them: after the way back `up` must not run these."""
    assert databases.is_ahead("2026.2", "2026.1")
    assert not databases.is_ahead("2026.2", "2026.2")
    assert not databases.is_ahead("2026.1", "2026.2")
    assert not databases.is_ahead(None, "2026.1")


def test_series_that_share_their_native_packages_share_the_tree() -> None:
    """Guests run in it: with the same one they are not touched."""
    older, newer = (data.native(series) for series in ("2026.1", "2026.2"))
    assert older == newer
    assert base.key(older) == base.key(newer)
