"""Passwords that a spec names or has generated, in files that only their user can read."""

from __future__ import annotations

import secrets as random
from pathlib import Path

from onestack.host.files import replace_private
from onestack.workloads.openstack.provider import from_environment_or_file
from onestack.workloads.plan import Secret


class Passwords:
    """`folder`: where generated ones are kept; it is made when there is one to keep, with all folders above it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, secret: Secret) -> str:
        """A password from the source that the spec names, or a generated one, which is stored. Raises BadInput."""
        given = from_environment_or_file(secret)
        if given is not None:
            return given
        file = self._file(secret.label)
        if file.exists():
            return file.read_text().strip()
        password = f"{random.token_urlsafe(18)}-aA1"
        self.keep(secret.label, password)
        return password

    def keep(self, label: str, secret: str) -> None:
        """Store a secret."""
        file = self._file(label)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(file, secret + "\n")

    def _file(self, label: str) -> Path:
        return self._folder / label.replace("/", "@")
