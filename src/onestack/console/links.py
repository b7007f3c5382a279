"""One-time links and sessions.

A link's token is in a file named by its digest, in a folder of root's: whoever can write there may log in. Removing
the file uses the link up, so it works once. Sessions live in the console's memory.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
import time
from dataclasses import dataclass, field

from onestack.console.places import links_folder
from onestack.core.paths import Paths

LINK_SECONDS = 300.0
SESSION_SECONDS = 8 * 3600.0
"""A session ends after so long without a request."""


def new_link(paths: Paths, user: str) -> str:
    """A new token; `user`: who it is shown to, for the record of what is done with it."""
    token = secrets.token_urlsafe(32)
    folder = links_folder(paths)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > LINK_SECONDS:
            old.unlink(missing_ok=True)
    descriptor = os.open(folder / _digest(token), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump({"user": user, "until": time.time() + LINK_SECONDS}, out)
    return token


def use(paths: Paths, token: str) -> str | None:
    """The user of a token, which is used up by this; None if it is none, too old, or was used."""
    file = links_folder(paths) / _digest(token)
    try:
        about = json.loads(file.read_text())
        file.unlink()
    except (OSError, ValueError):
        return None
    return str(about["user"]) if time.time() < about["until"] else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass
class Session:
    """`csrf`: what forms must send, so that another site's cannot act. `seen`: monotonic, of the last request."""

    user: str
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    seen: float = field(default_factory=time.monotonic)

    def may_post(self, given: str) -> bool:
        """Whether a form's token is this session's."""
        return hmac.compare_digest(given.encode(), self.csrf.encode())


class Sessions:
    """The sessions of one console, for any thread."""

    def __init__(self, seconds: float = SESSION_SECONDS) -> None:
        self._seconds = seconds
        self._known: dict[str, Session] = {}
        self._guard = threading.Lock()

    def begin(self, user: str) -> str:
        """A new session; its cookie."""
        cookie = secrets.token_urlsafe(32)
        with self._guard:
            now = time.monotonic()
            self._known = {k: v for k, v in self._known.items() if now - v.seen <= self._seconds}
            self._known[_digest(cookie)] = Session(user)
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session with a cookie; None if it has ended."""
        with self._guard:
            found = self._known.get(_digest(cookie))
            if found is None or time.monotonic() - found.seen > self._seconds:
                return None
            found.seen = time.monotonic()
            return found

    def end(self, cookie: str) -> None:
        """Log out."""
        with self._guard:
            self._known.pop(_digest(cookie), None)
