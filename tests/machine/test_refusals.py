"""What a connection that could not be made is answered with, by what ssh said."""

from __future__ import annotations

import sys

import pytest

from onestack.core.errors import PermanentError
from onestack.host.machine import refusals
from onestack.host.machine.connection import Connection


@pytest.mark.parametrize(
    ("said", "do"),
    [
        ("root@192.0.2.1: Permission denied (publickey).", "onestack host key"),
        (
            "Host key for 192.0.2.1 has changed and you have requested strict checking.\n"
            "Host key verification failed.",
            "ssh-keygen -R",
        ),
        ("Host key verification failed.", "log in once by hand"),
        ("ssh: connect to host 192.0.2.1 port 22: Connection refused", "no ssh server listens there"),
        ("ssh: connect to host 192.0.2.1 port 22: Connection timed out", "switched on"),
        ("ssh: connect to host 192.0.2.1 port 22: No route to host", "switched on"),
        ("sh: 1: exec: python3: not found", "needs python3"),
        ("something else", refusals.OTHERWISE),
    ],
)
def test_each_refusal_has_its_advice(said: str, do: str) -> None:
    assert do in refusals.advice(said)


def test_a_connection_that_fails_says_it() -> None:
    words = "import sys; sys.stderr.write('root@n1: Permission denied (publickey).'); sys.exit(255)"
    with pytest.raises(PermanentError, match="n1 cannot be reached") as raised:
        Connection("n1", [sys.executable, "-c", words])
    assert "Permission denied" in raised.value.detail
    assert "authorized_keys" in raised.value.hint
