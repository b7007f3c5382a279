"""A spec gets another release, and stays as a person wrote it."""

from __future__ import annotations

import pytest

from onestack.core.errors import BadInput
from onestack.spec import loads
from onestack.spec.release import with_release


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            'version: 1\nplatform:\n  release: "2026.1"  # until spring\n  services: [compute]\n',
            'version: 1\nplatform:\n  release: "2026.2"  # until spring\n  services: [compute]\n',
        ),
        (
            "platform: {release: 2026.1, exclude: [dashboard]}\n",
            'platform: {release: "2026.2", exclude: [dashboard]}\n',
        ),
        ("version: 1\n", '"platform": {"release": "2026.2"}\nversion: 1\n'),
        ("platform: {}\n", 'platform: {"release": "2026.2"}\n'),
        ("platform:\nversion: 1\n", 'platform: {"release": "2026.2"}\nversion: 1\n'),
        (
            "version: 1\nplatform:\n  # small\n  exclude: [dashboard]\n",
            'version: 1\nplatform:\n  # small\n  "release": "2026.2"\n  exclude: [dashboard]\n',
        ),
        ('{"version": 1}', '{"platform": {"release": "2026.2"}, "version": 1}'),
        ('{"platform": {"release": "2026.1"}}', '{"platform": {"release": "2026.2"}}'),
    ],
)
def test_only_the_release_changes(text: str, wanted: str) -> None:
    changed = with_release(text, "2026.2")
    assert changed == wanted
    assert loads(changed).platform.release == "2026.2"
    assert with_release(changed, "2026.2") == changed


def test_what_is_no_spec_is_refused() -> None:
    with pytest.raises(BadInput, match="not a mapping"):
        with_release("- 1\n", "2026.2")
