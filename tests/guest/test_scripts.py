"""The guest's scripts: whole, and its reader of metadata understands what Nova writes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onestack.host.guest.parts import FILES, ROOTFS

SCRIPTS = sorted(
    path
    for path in FILES.rglob("*")
    if path.is_file() and (path.suffix == ".sh" or path.read_bytes().startswith(b"#!"))
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(FILES)))
def test_every_script_parses(script: Path) -> None:
    done = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_init_starts_only_what_is_there() -> None:
    ours = {f"/{path.relative_to(ROOTFS)}" for path in SCRIPTS if path.is_relative_to(ROOTFS)}
    lines = [line for line in (ROOTFS / "etc/inittab").read_text().splitlines() if not line.startswith("#")]
    named = {word for line in lines for word in line.split(":")[3].split() if word.startswith("/lib/guest")}
    assert named
    assert named <= ours


def flatten(document: Any, path: str = "") -> list[str]:
    if isinstance(document, dict | list):
        pairs = document.items() if isinstance(document, dict) else enumerate(document)
        return [
            line for key, value in pairs for line in flatten(value, f"{path}.{key}" if path else str(key))
        ]
    value = (
        document.translate({9: " ", 10: " ", 13: " "}) if isinstance(document, str) else json.dumps(document)
    )
    return [f"{path}\t{value}"]


def read(text: str) -> list[str]:
    done = subprocess.run(
        ["awk", "-v", "RS=\001", "-f", str(ROOTFS / "lib/guest/json.awk")],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


KEY = 'ssh-ed25519 AAAAC3Nza me, "you" \\ {and} [them]\n'
NOVA = {
    "uuid": "83679162-1378-4288-a2d4-70e13ec132aa",
    "meta": {"hostname": "not me", "public_keys": {"no": "no"}},
    "public_keys": {"my.key": KEY, "other": "ssh-rsa AAAA"},
    "keys": [{"name": "my.key", "type": "ssh", "data": KEY}],
    "hostname": "web-1.novalocal",
    "launch_index": 0,
    "devices": [],
    "dedicated_cpus": [],
    "empty": {},
    "password": None,
    "nested": {"a": [{"b": [1, -2.5, True]}, "c"]},
}


@pytest.mark.parametrize("indent", [None, 2])
def test_novas_metadata_is_read(indent: int | None) -> None:
    assert read(json.dumps(NOVA, indent=indent)) == flatten(NOVA)


words = st.text(st.sampled_from('ab{}[]":,\\ \n\t'), max_size=8)
keys = st.text(st.sampled_from('ab"{}:\\'), min_size=1, max_size=4)
documents = st.recursive(
    words | st.integers(-9, 9) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(keys, documents, max_size=4))
def test_any_document_is_read(document: dict[str, Any]) -> None:
    assert read(json.dumps(document)) == flatten(document)
