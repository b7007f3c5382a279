"""A group's hooks, called before a member serves and before it is removed: a URL or a command."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import ssl
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

from onestack.core.errors import PermanentError

NOBODY = "nobody"
OUTPUT_LIMIT = 200
"""How many characters of a failed hook's output are reported."""


def call(hook: str, payload: Mapping[str, str], seconds: float) -> None:
    """Post to a URL, or run a command, and wait for its end. Raises PermanentError with its output."""
    if hook.startswith(("http://", "https://")):
        _post(hook, payload, seconds)
    else:
        _run(hook, payload, seconds)


def _post(url: str, payload: Mapping[str, str], seconds: float) -> None:
    parts = urlsplit(url)
    host, path = parts.hostname or "", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=seconds)
    try:
        connection.request("POST", path, json.dumps(dict(payload)), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        output = answer.read(OUTPUT_LIMIT).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise PermanentError(f"the hook {url} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status >= 300:
        raise PermanentError(f"the hook {url} answered {answer.status}: {output}")


def _run(command: str, payload: Mapping[str, str], seconds: float) -> None:
    words = shlex.split(command)
    variables = {f"ONESTACK_{key.upper()}": value for key, value in payload.items()}
    # Neither the autoscaler's privileges nor its environment.
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", **variables}
    user = NOBODY if os.geteuid() == 0 else None
    try:
        done = subprocess.run(
            words, env=environment, cwd="/", user=user, group=None, extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise PermanentError(f"the hook '{command}' took longer than {seconds:g} s") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise PermanentError(f"the hook '{command}' cannot be run: {error}") from error
    if done.returncode:
        output = (done.stderr or done.stdout).strip()[-OUTPUT_LIMIT:]
        raise PermanentError(f"the hook '{command}' ended with {done.returncode}: {output}")
