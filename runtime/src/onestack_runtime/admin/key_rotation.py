"""Keystone's key repositories: created at the first start; the token keys are rotated while it runs.

A token is valid only while its key is among the last `max_active_keys`. With one rotation a day and a token lifetime
of an hour, three keys are more than enough.

With several control hosts all must have the same keys at all times. So they are derived, from a secret that each of
these hosts has and the number of the day: nothing is sent, and a host that was away has the right ones as soon as it
is back. A key tells nothing of the secret or of another day's key. The next day's key is always there, as Keystone's
staged key, so that clocks need not agree.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onestack_runtime import contract
from onestack_runtime.paths import ETC, configuration, folder

if TYPE_CHECKING:
    from onestack_runtime.serving.process import Process

LOG = logging.getLogger(__name__)

ROTATE_SECONDS = 24 * 3600
LOOK_SECONDS = 600


def ensure() -> None:
    """Create the repositories of token, receipt and credential keys unless they exist (owner root, mode 0700)."""
    folder(Path(contract.KEYS), 0o700)
    secret = shared_secret()
    for repository in (_tokens(), _receipts(), _credentials()):
        repository.create_key_directory(None, None)
    if secret:
        share(secret, time.time())
        _share_credential_keys(secret)
    for repository in (_tokens(), _receipts(), _credentials()):
        if repository.validate_key_repository(requires_write=True) and not _keys(repository):
            repository.initialize_key_repository(None, None)


def shared_secret() -> str | None:
    """The secret that all control hosts have; None with one control host."""
    file = ETC / contract.KEYS_SECRET
    return file.read_text().strip() if file.exists() else None


def share(secret: str, now: float) -> None:
    """Have the token and receipt keys of the day at Unix time `now`. Idempotent."""
    today = int(now // ROTATE_SECONDS)
    for place in map(Path, (contract.TOKEN_KEYS, contract.RECEIPT_KEYS)):
        keys = {day: derived(secret, place.name, day) for day in (today - 1, today)}
        # Keystone's staged key, which becomes the primary one next, has the number 0.
        keys[0] = derived(secret, place.name, today + 1)
        _write_keys(place, keys)
        for old in place.iterdir():
            if old.name.isdigit() and int(old.name) not in keys and _age(old, now) > ROTATE_SECONDS:
                old.unlink()


def derived(secret: str, purpose: str, number: int) -> bytes:
    """A Fernet key: 32 bytes in base64."""
    digest = hmac.new(secret.encode(), f"{purpose} {number}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest)


def _share_credential_keys(secret: str) -> None:
    """Have the leader's credential keys, which are never rotated; where it has none yet, derived ones."""
    place, given = Path(contract.CREDENTIAL_KEYS), ETC / contract.GIVEN_CREDENTIAL_KEYS
    if given.is_dir():
        _write_keys(place, {int(each.name): each.read_bytes() for each in given.iterdir()})
    elif not any(place.iterdir()):
        _write_keys(place, {number: derived(secret, place.name, number) for number in (0, 1)})


def _write_keys(place: Path, keys: Mapping[int, bytes]) -> None:
    # The highest number first: Keystone reads the folder at any moment, and makes tokens with that key.
    for number in sorted(keys, reverse=True):
        file = place / str(number)
        if file.exists() and file.read_bytes() == keys[number]:
            continue
        partial = place / f".{number}"
        partial.touch(mode=0o600)
        partial.write_bytes(keys[number])
        partial.rename(file)


def _age(file: Path, now: float) -> float:
    return now - file.stat().st_mtime


class Rotation:
    """Rotates the token and receipt keys when the newest is older than ROTATE_SECONDS."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def run(self) -> None:
        """Check at intervals until the process ends."""
        while not self._process.wait(LOOK_SECONDS):
            if secret := shared_secret():
                share(secret, time.time())
                continue
            for repository in (_tokens(), _receipts()):
                if due(repository, time.time()):
                    LOG.info("rotating the keys in %s", repository.key_repository)
                    repository.rotate_keys(None, None)


def rotate_now() -> str:
    """Rotate the token and receipt keys, unless a key would go by which tokens in use were made; what was done.

    A token made just before the rotation before this one has the oldest key. While keys are fewer than
    `max_active_keys`, none goes.
    """
    from keystone.conf import CONF

    # Keystone makes the staged key, number 0, with each rotation.
    since = _age(Path(contract.TOKEN_KEYS) / "0", time.time())
    lifetime = float(CONF.token.expiration)
    if len(_keys(_tokens())) >= contract.ACTIVE_KEYS and since < lifetime:
        left = (lifetime - since) / 60
        return f"rotated {since / 60:.0f} min ago; again in {left:.0f} min, or tokens in use would end"
    for repository in (_tokens(), _receipts()):
        repository.rotate_keys(None, None)
    return "rotated"


def main() -> None:
    """Rotate the keys now: `python3 -m onestack_runtime.admin.key_rotation`."""
    import keystone.server

    keystone.server.configure(config_files=[str(file) for file in configuration("keystone")])
    # Not a logger's: the answer is what is said here.
    sys.stdout.write(rotate_now() + "\n")


def due(repository: Any, now: float) -> bool:
    """Whether the primary key (the one with the highest number) is older than ROTATE_SECONDS at Unix time `now`."""
    keys = _keys(repository)
    return bool(keys) and now - keys[-1].stat().st_mtime > ROTATE_SECONDS


def _keys(repository: Any) -> list[Path]:
    folder = Path(repository.key_repository)
    return sorted((each for each in folder.iterdir() if each.name.isdigit()), key=lambda each: int(each.name))


def _tokens() -> Any:
    return _repository("fernet_tokens", contract.TOKEN_KEYS, contract.ACTIVE_KEYS)


def _receipts() -> Any:
    return _repository("fernet_receipts", contract.RECEIPT_KEYS, contract.ACTIVE_KEYS)


def _credentials() -> Any:
    from keystone.credential.providers.fernet.core import MAX_ACTIVE_KEYS

    return _repository("credential", contract.CREDENTIAL_KEYS, MAX_ACTIVE_KEYS)


def _repository(group: str, folder: str, keys: int) -> Any:
    from keystone.common import fernet_utils

    return fernet_utils.FernetUtils(folder, keys, group)


if __name__ == "__main__":
    main()
