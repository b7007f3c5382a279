"""What was stored is compared with the manifest, file by file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from onestack.core.errors import BadInput, PermanentError
from onestack.health.backup import manifest
from onestack.health.backup.manifest import Entry, Manifest


def made(**changes: object) -> Manifest:
    given = {
        "cloud": "lab", "release": "2026.2", "host": "c1", "root": "/", "tool": "t", "begun": 1.0, "guests": True,
        "services": ("identity",), "users": {"root": 0}, "groups": {"root": 0},
        "files": {"etc/cloud.yaml": Entry(3, "ab"), "data/volume": Entry(9)},
    }  # fmt: skip
    return Manifest(**{**given, **changes})  # type: ignore[arg-type]


def test_it_is_read_as_it_was_written() -> None:
    assert manifest.parse(made().text(), "it") == made()
    assert made().size == 12


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "files": {"a": 1}}'])
def test_what_is_no_manifest(text: str) -> None:
    with pytest.raises(PermanentError, match="the manifest of it cannot be read"):
        manifest.parse(text, "it")


def test_one_of_a_newer_onestack() -> None:
    newer = json.dumps({**json.loads(made().text()), "version": 2})
    with pytest.raises(BadInput, match="another version of OneStack"):
        manifest.parse(newer, "it")


def test_files_get_a_digest_unless_they_are_shared(tmp_path: Path) -> None:
    (tmp_path / "own").write_bytes(b"abc")
    (tmp_path / "shared").write_bytes(b"abc")
    (tmp_path / "again").hardlink_to(tmp_path / "shared")
    (tmp_path / manifest.FILE).write_text("{}")
    found = manifest.entries(tmp_path)
    assert set(found) == {"own", "shared", "again"}
    assert found["own"].sha256.startswith("ba7816bf")
    assert found["shared"] == Entry(3)
    # When it is compared, what counts is what the manifest has.
    assert manifest.entries(tmp_path, {"shared": Entry(3, "ab")})["shared"].sha256.startswith("ba7816bf")


def test_differences_are_told() -> None:
    wanted = made().files
    assert manifest.differences(wanted, wanted) == []
    found = {"data/volume": Entry(8), "etc/cloud.yaml": Entry(3, "cd"), "more": Entry(1)}
    assert manifest.differences(wanted, found) == [
        "etc/cloud.yaml has another content",
        "data/volume has 8 bytes instead of 9",
        "more is not in the manifest",
    ]
    with pytest.raises(PermanentError, match="differs from its manifest") as told:
        manifest.require_same(wanted, {}, "the backup")
    assert "etc/cloud.yaml is missing" in told.value.detail
