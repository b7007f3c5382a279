"""The SSH key with which this machine logs in to other hosts."""

from __future__ import annotations

from pathlib import Path

from onestack.host.command import run

NAMES = ("id_ed25519", "id_ecdsa", "id_rsa")
"""The names of key files, in OpenSSH's order of preference."""


def public_key(folder: Path) -> str:
    """The public key in a user's .ssh folder, one line; a key pair is generated if there is none."""
    for name in NAMES:
        file = folder / f"{name}.pub"
        if file.exists():
            return file.read_text().strip()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / NAMES[0]
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "onestack", "-f", str(place)])
    return place.with_name(f"{place.name}.pub").read_text().strip()
