"""What to do about a connection that could not be made, by what OpenSSH's client or the host's shell said of it."""

from __future__ import annotations

ADVICE = (
    (
        "has changed and you have requested strict checking",
        "another machine answers at this address, or it was installed anew: if that is right, forget its former key"
        " with `ssh-keygen -R ADDRESS`, log in once by hand and compare the new one",
    ),
    (
        "Host key verification failed",
        "the host's key is not known here: log in once by hand, and compare it",
    ),
    (
        "Permission denied",
        "add the line that `onestack host key` prints to /root/.ssh/authorized_keys there",
    ),
    ("Connection refused", "no ssh server listens there: start it, or say its `port` in the spec"),
    ("Could not resolve hostname", "the ssh configuration leads to a name that does not exist"),
    ("not found", "the host needs python3: install it there"),
    ("timed out", "is the host switched on, and the address right? a firewall may be in the way"),
    ("No route to host", "is the host switched on, and the address right?"),
    ("Network is unreachable", "is the host switched on, and the address right?"),
)
"""What is said, and what to do then; the first that is found counts."""
OTHERWISE = "the same login must work by hand without a question, and the host must have python3"


def advice(said: str) -> str:
    """What to do. `said`: the last lines of what the client wrote."""
    return next((hint for words, hint in ADVICE if words in said), OTHERWISE)
