"""Keystone's key repositories: created at the first start; the token keys are rotated while it runs.

A token is valid only while its key is among the last `max_active_keys`. With one rotation a day and a token lifetime
of an hour, three keys are more than enough.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onestack_runtime import contract
from onestack_runtime.paths import folder

if TYPE_CHECKING:
    from onestack_runtime.serving.process import Process

LOG = logging.getLogger(__name__)

ROTATE_SECONDS = 24 * 3600
LOOK_SECONDS = 600


def ensure() -> None:
    """Create the repositories of token, receipt and credential keys unless they exist (owner root, mode 0700)."""
    folder(Path(contract.KEYS), 0o700)
    for repository in (_tokens(), _receipts(), _credentials()):
        repository.create_key_directory(None, None)
        if repository.validate_key_repository(requires_write=True) and not _keys(repository):
            repository.initialize_key_repository(None, None)


class Rotation:
    """Rotates the token and receipt keys when the newest is older than ROTATE_SECONDS."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def run(self) -> None:
        """Check at intervals until the process ends."""
        while not self._process.wait(LOOK_SECONDS):
            for repository in (_tokens(), _receipts()):
                if due(repository, time.time()):
                    LOG.info("rotating the keys in %s", repository.key_repository)
                    repository.rotate_keys(None, None)


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
